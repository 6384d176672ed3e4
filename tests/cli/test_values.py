"""What words on the command line mean."""

from dynlearn.cli.shared.data import Table


def test_columns_are_named_with_or_without_spaces():
    assert Table(outputs=" y, z ,", controls="u").options() == {"outputs": ["y", "z"], "controls": ["u"]}


def test_the_unit_of_the_time_column_is_that_of_time():
    found = Table(time="hour", outputs="y", units=["hour=h", "y=m"], sep="tab").options()
    assert found == {"time": "hour", "outputs": ["y"], "units": {"t": "h", "y": "m"}, "sep": "\t"}
