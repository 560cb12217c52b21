"""Documents of vacuum pipes: machinetypes that somebody else describes, judged one by one."""
