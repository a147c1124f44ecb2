def test_ten_in_three(ddim_timesteps):
    assert ddim_timesteps(10, 3) == [6, 3, 0]
