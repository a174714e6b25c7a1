"""Many pairs on one data set, ranked."""
