"""Media sets: binary objects become rows of an inventory, and copies where they are asked for."""
