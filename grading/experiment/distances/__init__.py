"""How far apart two clouds of points are."""
