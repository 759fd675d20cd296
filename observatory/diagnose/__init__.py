"""What broke: compares a window with the time before it, and ranks causes with their evidence."""
