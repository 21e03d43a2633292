"""What is pushed to an InfluxDB, line by line."""

from evenflow.exporter.core.line_protocol import capacity_lines, usage_lines


def test_a_counter_is_a_line_and_what_is_unknown_is_left_out():
    totals = [(("vision/train", "vision", "ann", "gpu"), 12.5), (("a", "a", "", "cpu"), 0.1)]
    assert list(usage_lines(totals, 17)) == [
        "evenflow_usage,queue=vision/train,project=vision,user=ann,resource=gpu total=12.5 17",
        "evenflow_usage,queue=a,project=a,resource=cpu total=0.1 17",
    ]
    assert list(capacity_lines({"gpu": 8.0}, 7)) == ["evenflow_capacity,resource=gpu amount=8.0 7"]


def test_whatever_a_user_is_called_a_line_stays_a_line():
    (line,) = usage_lines([(("q", "p", "a,b c=d\\\ne", "cpu"), 1.0)], 7)
    assert line == r"evenflow_usage,queue=q,project=p,user=a\,b\ c\=d/\ e,resource=cpu total=1.0 7"
