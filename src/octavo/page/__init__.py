"""The page: a list of papers that one searches, ranks, checks against the ledger, tries and follows."""
