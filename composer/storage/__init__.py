"""DRIVER: volumes, root file systems, and what is mounted into them."""
