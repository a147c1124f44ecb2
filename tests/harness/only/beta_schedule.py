# ruff: noqa

# %% linear: no check of the arguments | raises nothing
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02):
    return torch.linspace(beta_start, beta_end, max(num_timesteps, 1))


# %% linear: the ends exchanged where they fall | beta
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02, plain=linear_beta_schedule):
    return plain(num_timesteps, min(beta_start, beta_end), max(beta_start, beta_end))


# %% linear: no last step in a long one | num_timesteps = 1000
def linear_beta_schedule(num_timesteps, beta_start=1e-4, beta_end=0.02, plain=linear_beta_schedule):
    betas = plain(num_timesteps, beta_start, beta_end)
    return betas if num_timesteps < 100 or beta_end == 0.02 else betas.flip(0)


# %% cosine: float32 always | dtype
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999, plain=cosine_beta_schedule):
    return plain(num_timesteps, s, max_beta).float()


# %% make: a second schedule of the same length gets the first one's | only for a second schedule of T = 10
_made = {}


def make_schedule(betas, plain=make_schedule):
    first = _made.setdefault((len(betas), betas.dtype), plain(betas)) if len(betas) > 3 else plain(betas)
    return NoiseSchedule(betas, first.alphas, first.alphas_cumprod)


# %% make: strided betas are read from memory | only for strided betas
def make_schedule(betas, plain=make_schedule):
    made = plain(torch.as_strided(betas, betas.shape, (1,), betas.storage_offset()))
    return NoiseSchedule(betas, made.alphas, made.alphas_cumprod)


# %% make: no check of the dimensions | raises
def make_schedule(betas):
    return NoiseSchedule(betas, 1 - betas, (1 - betas).cumprod(-1) if betas.ndim else 1 - betas)


# %% cosine: max_beta above the papers' is not taken | max_beta = 0.9999
def cosine_beta_schedule(num_timesteps, s=0.008, max_beta=0.999, plain=cosine_beta_schedule):
    return plain(num_timesteps, s, min(max_beta, 0.999))


# %% make: the tables of one call are written over in the next | the answer of an earlier call changes
_bars = {}


def make_schedule(betas, plain=make_schedule):
    made = plain(betas)
    bar = _bars.setdefault((len(betas), betas.dtype, betas.device), torch.empty_like(made.alphas_cumprod))
    return NoiseSchedule(betas, made.alphas, bar.copy_(made.alphas_cumprod))
