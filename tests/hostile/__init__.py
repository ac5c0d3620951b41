"""Files made to do harm, what reads them, and the process in which they are watched."""
