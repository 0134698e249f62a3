"""`python -m sightline`: the same as `sightline`."""

from sightline.cli.main import main

main()
