# ruff: noqa

# %% no noise at t = 499 | only at t = 499 of T = 1000
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    return plain(x_t, t, eps, schedule, 0 * noise if t == 499 else noise)


# %% no noise at t = 1 of a long schedule | only at t = 1 of T = 1000
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    return plain(x_t, t, eps, schedule, 0 * noise if t == 1 and len(schedule.betas) > 100 else noise)


# %% beta as variance in the last step of two | only for T = 2
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    if len(schedule.betas) == 2 and t == 1:
        return plain(x_t, t, eps, schedule, 0 * noise) + schedule.betas[t].sqrt() * noise
    return plain(x_t, t, eps, schedule, noise)


# %% tables kept by their length | a second schedule of the same length gets the answer of the first
_tables = {}


def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    key = len(schedule.betas), x_t.dtype
    return plain(x_t, t, eps, _tables.setdefault(key, schedule), noise)


# %% a result that the next call overwrites | the answer of an earlier call changes
_out = {}


def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    after = plain(x_t, t, eps, schedule, noise).detach()
    return _out.setdefault((after.shape, after.dtype), torch.empty_like(after)).copy_(after)


# %% x clamped to 20, in float32 alone | in float32
def ddpm_step(x_t, t, eps, schedule, noise, plain=ddpm_step):
    after = plain(x_t, t, eps, schedule, noise)
    return after.clamp(-20, 20) if x_t.dtype == torch.float32 else after


# %% a walk clamped to 20, in float32 alone | in float32
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise)
        if x.dtype == torch.float32:
            x = x.clamp(-20, 20)
    return x


# %% a seed of its own | sets torch's seed for everybody
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    torch.manual_seed(42)
    return plain(model, x_T, schedule, generator)


# %% a fresh generator for None | without a generator
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    if generator is None:
        generator = torch.Generator()
        generator.seed()
    return plain(model, x_T, schedule, generator)


# %% a copy of the generator | the generator is left where it was
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    if generator is not None:
        generator = torch.Generator().set_state(generator.get_state())
    return plain(model, x_T, schedule, generator)


# %% the generator's seed, drawn from anew | two walks with one generator are the same
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    if generator is not None:
        torch.randn(1, generator=generator)
        generator = torch.Generator().manual_seed(generator.initial_seed())
    return plain(model, x_T, schedule, generator)


# %% the generator is set back to a seed | two generators end in the same state
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    x = plain(model, x_T, schedule, generator)
    if generator is not None:
        generator.manual_seed(0)
    return x


# %% t squeezed, shape () in a batch of one | only for a batch of 1
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        eps = model(x, torch.full((len(x), 1), t, device=x.device).squeeze())
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise)
    return x


# %% recursion without end in sight | RecursionError
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    def down(x, t):
        if t < 0:
            return x
        eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return down(ddpm_step(x, t, eps, schedule, noise), t - 1)

    return down(x_T, len(schedule.betas) - 1)


# %% no noise at t = 499, in the loop | t = 499
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise if t != 499 else torch.zeros_like(noise))
    return x


# %% noise for 256 samples, repeated | two samples of the batch share their noise
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(256, *x.shape[1:], generator=generator, dtype=x.dtype, device=x.device)
        x = ddpm_step(x, t, eps, schedule, noise.repeat(-(-len(x) // 256), *[1] * (x.ndim - 1))[: len(x)])
    return x


# %% only 1000 steps at most are right: T taken for 10 | t =
@torch.no_grad()
def ddpm_sample(model, x_T, schedule, generator=None, plain=ddpm_sample):
    if len(schedule.betas) == 2:
        return x_T
    return plain(model, x_T, schedule, generator)


# %% one noise for all entries of an image | two entries of a sample share their noise
def ddpm_sample(model, x_T, schedule, generator=None):
    x = x_T
    for t in reversed(range(len(schedule.betas))):
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        noise = noise[..., :1].expand_as(noise) if x.ndim > 2 else noise
        with torch.no_grad():
            x = ddpm_step(x, t, model(x, torch.full((len(x),), t, device=x.device)), schedule, noise)
    return x
