"""Values of declared fields: checked, compared, matched. Pure."""
