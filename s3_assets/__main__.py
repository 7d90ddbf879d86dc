"""`python -m s3_assets`: the same as `s3-assets`."""

from s3_assets.cli.entry import run

if __name__ == "__main__":
    run()
