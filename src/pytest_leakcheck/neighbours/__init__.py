"""What is known of other plugins, so that neither disturbs the other."""
