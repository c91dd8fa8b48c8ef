"""What commands share: options, progress, pictures, the terminal screen."""
