"""What stands in complete/ is run by `kata prove`, against right and wrong implementations, and not as it is."""

collect_ignore = ["complete"]
