"""Programs that use mesoslite and libactor, each whole in one file; installed as ``mesoslite.examples``."""
