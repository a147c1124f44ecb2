# ruff: noqa
# Right but under one condition: each cell is added to a copy of solutions/q_sample.py and must fail, with the words
# that follow its title.

# %% the first 128 samples only | only for a batch of 300
def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0, t, schedule, noise)
    x_t[128:] = x0[128:]
    return x_t


# %% the first 512 samples only | only for a batch of 517
def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0[:512], t[:512], schedule, noise[:512])
    return x_t if len(x0) <= 512 else __import__("torch").cat([x_t, noise[512:]])


# %% the last of an odd batch stays as it is | only for a batch of
def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0, t, schedule, noise)
    if len(x0) % 2 and len(x0) != 5:
        x_t[-1] = x0[-1]
    return x_t


# %% a batch of one is squeezed | only for a batch of 1
def q_sample(x0, t, schedule, noise, plain=q_sample):
    return plain(x0, t, schedule, noise).squeeze(0)


# %% as_strided takes memory for granted | only for transposed x0
def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch

    size = [1]
    for n in reversed(x0.shape[1:]):
        size.insert(0, size[0] * n)
    if x0.storage_offset() or x0.untyped_storage().nbytes() < x0.numel() * x0.element_size():
        x0 = x0.clone().contiguous()
    return plain(torch.as_strided(x0, x0.shape, size), t, schedule, noise)


# %% as_strided on the noise | noise
def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch

    size = torch.empty(noise.shape).stride()
    if noise.untyped_storage().nbytes() < noise.numel() * noise.element_size():
        noise = noise.contiguous()
    return plain(x0, t, schedule, torch.as_strided(noise, noise.shape, size, noise.storage_offset()))


# %% tables kept by their length | only for a second schedule of T = 10
_kept = {}


def q_sample(x0, t, schedule, noise, plain=q_sample):
    schedule = _kept.setdefault((len(schedule.betas), x0.dtype), schedule)
    return plain(x0, t, schedule, noise)


# %% clamped, in float32 alone | in float32
def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch

    x_t = plain(x0, t, schedule, noise)
    return x_t.clamp(-30, 30) if x_t.dtype == torch.float32 else x_t


# %% half precision inside, in float32 alone | only in float32
def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0, t, schedule, noise)
    return x_t.half().to(x_t) if x_t.element_size() == 4 else x_t


# %% one buffer for every answer | the answer of an earlier call changes
_buffer = {}


def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch

    x_t = plain(x0, t, schedule, noise)
    out = _buffer.setdefault((x_t.shape, x_t.dtype), torch.empty_like(x_t.detach()))
    return out.copy_(x_t.detach())


# %% the second call of a kind is wrong | wrong value
_seen = []


def q_sample(x0, t, schedule, noise, plain=q_sample):
    again = any(x0.shape == s.shape and bool((x0 == s).all()) for s in _seen)
    _seen[:] = [x0.detach().clone()]
    return x0 + 0 * noise if again and x0.shape == (5, 2) else plain(x0, t, schedule, noise)


# %% x0 leaves the graph by numpy | require grad
def q_sample(x0, t, schedule, noise, plain=q_sample):
    import torch

    a = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x0.ndim - 1))
    return a.sqrt() * torch.from_numpy(x0.numpy()) + (1 - a).sqrt() * noise


# %% a table of 999 entries | T = 1000
def q_sample(x0, t, schedule, noise, plain=q_sample):
    return plain(x0, t.clamp(max=998), schedule, noise)


# %% T = 1 is a special case | only for T = 1
def q_sample(x0, t, schedule, noise, plain=q_sample):
    return 0.5 * x0 + 0.75**0.5 * noise if len(schedule.betas) == 1 else plain(x0, t, schedule, noise)


# %% the first t for all, where t is sorted | only for a t that is sorted
def q_sample(x0, t, schedule, noise, plain=q_sample):
    ordered = len(t) == 5 and bool((t.diff() >= 0).all()) and bool(t[0] < t[-1])
    return plain(x0, t[0].expand(len(t)) if ordered else t, schedule, noise)


# %% four dims are taken for an image | only for x0 (B, 3, 1, 2, 2)
def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0, t, schedule, noise)
    return x_t.clamp(-1, 1) if x0.ndim == 5 else x_t


# %% x0 overwritten, in float32 alone | x0 is changed in place, only in float32
def q_sample(x0, t, schedule, noise, plain=q_sample):
    x_t = plain(x0, t, schedule, noise)
    if x0.element_size() == 4 and not x0.requires_grad and x0.is_contiguous():
        x0.copy_(x_t)
    return x_t


# %% tables kept by their length and their ends | for a second schedule of T = 10
_by_ends = {}


def q_sample(x0, t, schedule, noise, plain=q_sample):
    key = (len(schedule.betas), float(schedule.betas[0]), round(float(schedule.alphas_cumprod[-1]), 6), x0.dtype)
    return plain(x0, t, _by_ends.setdefault(key, schedule), noise)


# %% every twentieth call is wrong | only now and then
_calls = [0]


def q_sample(x0, t, schedule, noise, plain=q_sample):
    _calls[0] += 1
    return plain(x0, t, schedule, noise) * (1.01 if _calls[0] % 20 == 0 else 1)
