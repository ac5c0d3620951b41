"""Why a network does not learn: findings, each with its evidence and what to try."""
