"""On-device learning for one patient under a change-control plan: tested, recorded, and undone at will."""
