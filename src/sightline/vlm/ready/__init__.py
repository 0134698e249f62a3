"""Vision-language models that transformers already has, through our trainer, planner, packer and evaluation."""
