"""Measures of a free run beside data: functions of arrays, which know no model and no dataset."""
