"""What plugins declare: specs of methods, datasets, metrics and exporters."""
