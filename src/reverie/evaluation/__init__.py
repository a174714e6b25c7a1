"""What a fitted model is worth: estimates with their standard errors and kinds."""
