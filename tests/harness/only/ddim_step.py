# ruff: noqa

# %% tables kept by their length | only for a second schedule of T = 10
_tables = {}


def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    key = len(schedule.betas), x_t.dtype
    return plain(x_t, t, t_prev, eps, _tables.setdefault(key, schedule), eta, noise)


# %% tables kept by their length, whatever the dtype | schedule
_one = {}


def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    bars = _one.setdefault(len(schedule.betas), schedule.alphas_cumprod.clone()).to(x_t)
    return plain(x_t, t, t_prev, eps, NoiseSchedule(schedule.betas, schedule.alphas, bars), eta, noise)


# %% the jump from 7 to 2 goes to 3 | only at t = 7
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, 3 if (t, t_prev) == (7, 2) else t_prev, eps, schedule, eta, noise)


# %% no check of the arguments | raises
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, t_prev, eps, schedule, eta if noise is not None else 0.0, noise)


# %% no check of the number of steps | raises
def ddim_timesteps(num_timesteps, num_inference_steps):
    stride = max(num_timesteps // max(num_inference_steps, 1), 1)
    return [i * stride for i in reversed(range(num_inference_steps))]


# %% another kind of error | raises AssertionError
def ddim_timesteps(num_timesteps, num_inference_steps):
    assert 1 <= num_inference_steps <= num_timesteps
    return [i * (num_timesteps // num_inference_steps) for i in reversed(range(num_inference_steps))]


# %% a hundred steps at most | wrong length
def ddim_timesteps(num_timesteps, num_inference_steps, plain=ddim_timesteps):
    return plain(num_timesteps, num_inference_steps)[-100:]


# %% clipped at 1000 | for large numbers
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, t_prev, eps, schedule, eta, noise).clamp(-1000, 1000)


# %% eta above one half counts as one | eta
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, t_prev, eps, schedule, 1.0 if eta > 0.95 and t == 0 else eta if eta != 0.6 else 0.61, noise)


# %% a seed of its own | sets torch's seed for everybody
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None, plain=ddim_sample):
    torch.manual_seed(42)
    return plain(model, x_T, schedule, num_inference_steps, eta, generator)


# %% a copy of the generator | the generator is left where it was
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None, plain=ddim_sample):
    if generator is not None:
        generator = generator.clone_state() if hasattr(generator, "clone_state") else generator
    return plain(model, x_T, schedule, num_inference_steps, eta, generator)


# %% t squeezed, shape () in a batch of one | only for a batch of 1
@torch.no_grad()
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None):
    x = x_T
    timesteps = ddim_timesteps(len(schedule.alphas_cumprod), num_inference_steps)
    for t, t_prev in zip(timesteps, [*timesteps[1:], -1]):
        eps = model(x, torch.full((len(x), 1), t, device=x.device).squeeze())
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device) if eta > 0 else None
        x = ddim_step(x, t, t_prev, eps, schedule, eta, noise)
    return x


# %% the first samples of a large batch only | only for a batch of
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None, plain=ddim_sample):
    x = plain(model, x_T, schedule, num_inference_steps, eta, generator)
    x[256:] = x_T[256:]
    return x


# %% a small eta counts as none | eta = 0.05
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, t_prev, eps, schedule, 0.0 if eta < 0.1 else eta, noise)


# %% one list for every answer | the answer of an earlier call changes
_visited = []


def ddim_timesteps(num_timesteps, num_inference_steps, plain=ddim_timesteps):
    _visited[:] = plain(num_timesteps, num_inference_steps)
    return _visited


# %% no jump is longer than 100 | of T = 1000
def ddim_step(x_t, t, t_prev, eps, schedule, eta=0.0, noise=None, plain=ddim_step):
    return plain(x_t, t, max(t_prev, t - 100), eps, schedule, eta, noise)


# %% a generator that is not handed on where DDIM is DDPM | the generator is left where it was
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None, plain=ddim_sample):
    whole = eta == 1 and num_inference_steps == len(schedule.alphas_cumprod)
    return plain(model, x_T, schedule, num_inference_steps, eta, None if whole else generator)


# %% a stride that is rounded, in a walk with a list of its own | only for num_inference_steps = 6
def ddim_sample(model, x_T, schedule, num_inference_steps=50, eta=0.0, generator=None, plain=ddim_sample):
    T = len(schedule.alphas_cumprod)
    stride = max(1, round(T / num_inference_steps))
    steps = [t for t in range(0, T, stride)][:num_inference_steps][::-1]
    if steps == ddim_timesteps(T, num_inference_steps):
        return plain(model, x_T, schedule, num_inference_steps, eta, generator)
    x = x_T
    for t, t_prev in zip(steps, [*steps[1:], -1]):
        with torch.no_grad():
            eps = model(x, torch.full((len(x),), t, device=x.device))
        noise = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device) if eta > 0 else None
        x = ddim_step(x, t, t_prev, eps, schedule, eta, noise)
    return x
