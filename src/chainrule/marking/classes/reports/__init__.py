"""What a marked class is written as: a table, JSON, a page for each student, one for all."""
