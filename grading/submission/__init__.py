"""What a submission is: the table of tasks, the contract, loading, stubs, and what can go wrong, in sentences."""
