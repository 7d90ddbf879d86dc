"""The definitions of the registry that S3_ASSETS_REGISTRY names, or of the s3_assets.yaml that is nearest."""

from s3_assets.collector import spared

with spared():
    from s3_assets.builder import build_definitions
    from s3_assets.registry import load_registry

    defs = build_definitions(load_registry())
