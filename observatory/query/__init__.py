"""What readers may run: checked, then bounded."""
