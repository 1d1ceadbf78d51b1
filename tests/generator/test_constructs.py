"""Every construct that OpenAPI has: generated, imported, built, refused, and sent over a socket by both clients."""

# ruff: noqa: E501 - the rows of a table are read as rows

import json
from typing import Any

import pytest

from support.trials import Trial

POINT = {"x": 1, "y": 2}
JSON = "application/json"
TEXT = "text/plain; charset=latin-1"

# call, status, body of the answer, its content type, what the result is
ANSWERS: list[tuple[str, int, Any, str, str]] = [
    ("answer_list()", 200, [POINT], JSON, "[Point(x=1, y=2)]"),
    ("answer_map()", 200, {"a": 1}, JSON, "{'a': 1}"),
    ("answer_inline().total", 200, {"total": 5}, JSON, "5"),
    ("answer_number()", 200, 1.5, JSON, "1.5"),
    ("answer_boolean()", 200, False, JSON, "False"),
    ("answer_text()", 200, "größer".encode("latin-1"), TEXT, "'größer'"),
    ("answer_bytes()", 200, b"\x00\xff", "application/octet-stream", r"b'\x00\xff'"),
    ("answer_image()", 200, b"\x89PNG", "image/png", r"b'\x89PNG'"),
    ("answer_enum()", 200, "buy", JSON, "Side.BUY"),
    ("answer_union()", 200, {"kind": "cat", "lives": 9}, JSON, "Cat(lives=9)"),
    ("answer_union()", 200, {"kind": "fish", "fins": 2}, JSON, "Unknown({'kind': 'fish', 'fins': 2})"),
    ("answer_nullable()", 200, None, JSON, "None"),
    ("answer_nullable()", 200, POINT, JSON, "Point(x=1, y=2)"),
    ("answer_date()", 200, "2026-01-31", JSON, "datetime.date(2026, 1, 31)"),
    ("answer_problem()", 200, POINT, "application/problem+json", "Point(x=1, y=2)"),
    ("answer_several()", 200, POINT, JSON, "Point(x=1, y=2)"),
    ("answer_several()", 201, b"", JSON, "None"),
    ("answer_several()", 202, 7, JSON, "7"),
    ("answer_several()", 206, b"part", "text/plain", "'part'"),
    ("answer_empty()", 204, b"", JSON, "True"),
    ("answer_default()", 200, POINT, JSON, "Point(x=1, y=2)"),
    ("answer_any()", 200, {"a": [1]}, JSON, "{'a': [1]}"),
    ("answer_by_reference()", 200, POINT, JSON, "Point(x=1, y=2)"),
    ("ask_patch()", 200, 5, JSON, "5"),
    ("ask_trace()", 200, b"", JSON, "True"),
    ("ask_options()", 204, b"", JSON, "True"),
    ("ask_head()", 200, b"not sent", JSON, "True"),
    ("get_unnamed_id(5)", 200, POINT, JSON, "Point(x=1, y=2)"),
    ("import_()", 204, b"", JSON, "True"),
    ("close_()", 204, b"", JSON, "True"),
    ("old_call()", 204, b"", JSON, "True"),
]


@pytest.mark.parametrize(
    ("call", "status", "body", "kind", "result"),
    ANSWERS,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_of_any_kind_is_read(
    call: str, status: int, body: Any, kind: str, result: str, constructs: Trial
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    name, _, attribute = call.partition(").")
    made = f"{name}{')' if attribute else ''}"
    constructs.run(
        f"with Echo({status}, {content!r}, {kind!r}) as echo:\n"
        "    def check(result, asked):\n"
        f"        result = result{'.' + attribute if attribute else ''}\n"
        f"        assert result == {result} and type(result) is type({result}), result\n"
        f"    both(echo, lambda client: client.{made}, check)\n"
    )


@pytest.mark.parametrize(
    ("call", "body", "told"),
    [
        ("answer_list()", [{"x": 1}, {"x": "1"}], "the answer[1].x must be an integer"),
        ("answer_list()", {"x": 1}, "must be a list"),
        ("answer_map()", {"a": "b"}, "the answer['a'] must be an integer"),
        ("answer_number()", -1, "the answer must be 0 or more"),
        ("answer_boolean()", "yes", "the answer must be True or False"),
        ("answer_date()", "soon", "the answer must be an ISO 8601 date"),
        ("answer_several()", POINT | {"y": 101}, "Point.y must be 100 or less"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_place(call: str, body: Any, told: str, constructs: Trial) -> None:
    constructs.run(
        f"with Echo(200, {json.dumps(body).encode()!r}) as echo:\n"
        "    with SyncEventStreamer(echo.url, 'me', max_retries=0) as client:\n"
        "        try:\n"
        f"            client.{call}\n"
        "        except EventStreamerResponseError as error:\n"
        f"            assert {told!r} in str(error), error\n"
        "        else:\n"
        "            raise AssertionError('taken')\n"
    )


QUERIES: list[tuple[str, list[tuple[str, str]]]] = [
    ("from_=datetime.date(2026, 1, 31)", [("from", "2026-01-31")]),
    ("to_block=5", [("toBlock", "5")]),
    ("filtername='a&b'", [("filter[name]", "a&b")]),
    ("ids=[1, 2]", [("ids", "1"), ("ids", "2")]),
    ("ids=[]", []),
    ("packed=['a', 'b']", [("packed", "a,b")]),
    ("piped=['a', 'b']", [("piped", "a|b")]),
    ("side=Side.NO_SIDE", [("side", "no side")]),
    ("sides=[Side.BUY, Side.SELL]", [("sides", "buy"), ("sides", "sell")]),
    (
        "since=datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc)",
        [("since", "2026-01-31T00:00:00Z")],
    ),
    ("deep=Point(x=1, y=2)", [("deep[x]", "1"), ("deep[y]", "2")]),
    ("spread={'a': 1, 'b': 2}", [("a", "1"), ("b", "2")]),
    ("where={'a': [True]}", [("where", '{"a":[true]}')]),
    ("text='ü'", [("text", "ü")]),
    ("client_query='c'", [("client", "c")]),
    (
        "either=UUID('00000000-0000-0000-0000-00000000000a')",
        [("either", "00000000-0000-0000-0000-00000000000a")],
    ),
    ("flag=False", []),
]


@pytest.mark.parametrize(("argument", "pairs"), QUERIES, ids=[argument for argument, _ in QUERIES])
def test_a_parameter_of_the_query_is_sent(
    argument: str, pairs: list[tuple[str, str]], constructs: Trial
) -> None:
    flag = "false" if argument.startswith("flag") else "true"
    constructs.run(
        "with Echo() as echo:\n"
        "    def check(result, asked):\n"
        f"        rest = [pair for pair in asked.query if pair[0] != 'flag']\n"
        f"        assert rest == {pairs!r} and ('flag', {flag!r}) in asked.query, asked.query\n"
        f"    both(echo, lambda client: client.query_all({argument}), check)\n"
    )


@pytest.mark.parametrize(
    ("call", "check"),
    [
        (
            "path_all(datetime.date(2026, 1, 31), Side.NO_SIDE, [1, 2], 'a/b ü')",
            "asked.path == '/parameters/path/2026-01-31/no%20side/1,2/a%2Fb%20%C3%BC'",
        ),
        ("path_all(datetime.date(2026, 1, 31), Side.BUY, [1], '..')", "asked.path.endswith('/buy/1/%2E%2E')"),
        ("path_styles(['a', 'b'], [1, 2])", "asked.path == '/parameters/styles/.a,b/;matrix=1;matrix=2'"),
        (
            "header_all(x_on=True, x_flags=['a', 'b'], x_side=Side.BUY, session='a b;c', same_cookie=3, same_query=4,"
            " x_since=datetime.datetime(2026, 1, 31, tzinfo=datetime.timezone.utc))",
            "(asked.headers['x-on'], asked.headers['x-flags'], asked.headers['x-side'], asked.headers['x-since'],"
            " asked.headers['cookie'], asked.query) == "
            "('true', 'a,b', 'buy', '2026-01-31T00:00:00Z', 'session=a%20b%3Bc; same=3', [('same', '4')])",
        ),
        ("header_all(x_on=False)", "asked.headers['x-on'] == 'false' and 'cookie' not in asked.headers"),
        ("body_inline(BodyInlineBody(name='a'))", "json.loads(asked.body) == {'name': 'a'}"),
        ("body_list([Point(x=1, y=2)])", "json.loads(asked.body) == [{'x': 1, 'y': 2}]"),
        ("body_scalar(5)", "asked.body == b'5' and asked.headers['content-type'] == 'application/json'"),
        ("body_optional()", "asked.body == b'' and 'content-type' not in asked.headers"),
        ("body_optional(Point(x=1))", "json.loads(asked.body) == {'x': 1, 'y': 0}"),
        (
            "body_nullable(None)",
            "asked.body == b'null' and asked.headers['content-type'] == 'application/json'",
        ),
        ("body_nullable(Point(x=1))", "json.loads(asked.body) == {'x': 1, 'y': 0}"),
        ("body_union(Dog(kind='dog'))", "json.loads(asked.body) == {'kind': 'dog'}"),
        (
            "body_form(FormData(name='a b', tags=['x', 'y'], on=True, day=datetime.date(2026, 1, 31)))",
            "asked.body == b'name=a+b&tags=x&tags=y&on=true&day=2026-01-31'"
            " and asked.headers['content-type'] == 'application/x-www-form-urlencoded'",
        ),
        (
            "body_multipart(BodyMultipartBody(file=File(b'one', 'a.txt', 'text/x-a'), more=[File(b'two')], count=3,"
            " point=Point(x=1)))",
            "asked.headers['content-type'].startswith('multipart/form-data; boundary=')"
            " and asked.body.count(b'Content-Disposition') == 4 and b'filename=\"a.txt\"' in asked.body"
            " and b'text/x-a' in asked.body and b'{\"x\":1,\"y\":0}' in asked.body and b'\\r\\n\\r\\n3\\r\\n' in asked.body",
        ),
        (r"body_bytes(b'\x00\xff')", r"asked.body == b'\x00\xff'"),
        ("body_bytes(File(b'abc'))", "asked.body == b'abc'"),
        ("body_text('ü')", "asked.body == 'ü'.encode() and asked.headers['content-type'] == 'text/plain'"),
        (
            "body_merge(Point(x=1, y=2))",
            "json.loads(asked.body) == {'x': 1, 'y': 2}"
            " and asked.headers['content-type'] == 'application/merge-patch+json'",
        ),
        ("body_several(Point(x=1, y=2))", "asked.headers['content-type'] == 'application/json'"),
        ("body_several(FormData(name='a'))", "asked.body == b'name=a'"),
        ("body_several(b'raw')", "asked.headers['content-type'] == 'application/octet-stream'"),
    ],
)
def test_a_request_of_any_kind_is_sent(call: str, check: str, constructs: Trial) -> None:
    constructs.run(
        "with Echo() as echo:\n"
        "    def check(result, asked):\n"
        f"        assert {check}, asked\n"
        f"    both(echo, lambda client: client.{call}, check)\n"
    )


@pytest.mark.parametrize(
    ("build", "told"),
    [
        # arguments
        ("client.query_all(from_='2026-01-31')", "query_all: from_ must be a date"),
        ("client.query_all(to_block=0)", "query_all: to_block must be 1 or more"),
        ("client.query_all(ids=[1, 2, 3, 4])", "query_all: ids must have 3 items at most"),
        ("client.query_all(ids=[1, '2'])", "query_all: ids[1] must be an integer"),
        ("client.query_all(side='left')", "query_all: side must be one of 'buy', 'sell', 'no side'"),
        ("client.query_all(sides=['left'])", "query_all: sides[0] must be one of"),
        ("client.query_all(since=datetime.datetime(2026, 1, 31))", "with a zone"),
        ("client.query_all(either=b'')", "either must be an integer or a UUID"),
        ("client.path_all('today', Side.BUY, [1], 'a')", "path_all: day must be a date"),
        (
            "client.header_all(x_on=True, x_flags=['a\\r\\nb'])",
            "X-Flags must be text without control characters",
        ),
        ("client.body_list([])", "body_list: body must have 1 item or more"),
        ("client.body_list([{'x': 1}])", "body_list: body[0] must be of the model Point"),
        ("client.body_scalar(0)", "body_scalar: body must be 1 or more"),
        ("client.body_text(b'x')", "body_text: body must be a string"),
        ("client.body_several('x')", "body_several: body must be Point or FormData or bytes or File"),
        # models
        ("Enums(side='left')", "Enums.side must be one of 'buy', 'sell', 'no side', got 'left'"),
        ("Enums(side=Side.BUY, level=4)", "Enums.level must be one of 1, 2, -3, got 4"),
        ("Enums(side=Side.BUY, level=True)", "Enums.level must be one of"),
        ("Enums(side=Side.BUY, inline='blue')", "Enums.inline must be one of 'red', 'green'"),
        ("Enums(side=Side.BUY, many=['buy', 'left'])", "Enums.many[1] must be one of"),
        ("Enums(side=Side.BUY, odd=3.5)", "Enums.odd must be one of 1.5, 2.5, got 3.5"),
        ("Enums(side=Side.BUY, mixed=False)", "Enums.mixed must be one of 1, 'one', True"),
        ("Enums(side=Level.VALUE_1)", "Enums.side must be one of"),
        ("Limits()", "Limits must have 1 field or more"),
        ("Limits(unique=[1, 2, 1])", "Limits.unique[2] must not be there twice"),
        ("Limits(unique_points=[Point(x=1), Point(x=1)])", "Limits.unique_points[1]"),
        ("Limits(tenth=0.35)", "Limits.tenth must be a multiple of 0.1"),
        ("Limits(even=3)", "Limits.even must be a multiple of 2"),
        ("Limits(below=10)", "Limits.below must be less than 10"),
        ("Limits(above=0)", "Limits.above must be more than 0"),
        ("Limits(map={})", "Limits.map must have 1 entry or more"),
        ("Limits(map={'a': -1})", "Limits.map['a'] must be 0 or more"),
        ("Limits(short='a')", "Limits.short must have 2 characters or more"),
        ("Limits(code='abc')", "Limits.code must match ^[A-Z]{3}$"),
        ("Limits(both='a')", "Limits.both must have 2 characters or more"),
        ("Limits(both='abcde')", "Limits.both must have 4 characters at most"),
        ("Limits(nested=[[1], [10]])", "Limits.nested[1][0] must be 9 or less"),
        ("Times(at='now')", "Times.at must be a datetime"),
        ("Times(at=NOW, days=[NOW])", "Times.days[0] must be a date"),
        ("Times(at=NOW, by_name={'a': 1})", "Times.by_name['a'] must be a datetime"),
        ("Inline(place=InlinePlace2(city='0123456789'))", "InlinePlace2.city must have 9 characters at most"),
        ("Derived(id=0, extra='', note='')", "Derived.id must be 1 or more"),
        ("Unions(animal={'kind': 'cat'})", "Unions.animal must be of the model Cat or of the model Dog"),
        ("Unions(animals=[Point(x=1)])", "Unions.animals[0] must be"),
        ("Unions(types='abcde')", "Unions.types must have 4 characters at most"),
        ("Unions(types=-1)", "Unions.types must be 0 or more"),
        ("Unions(types=[])", "Unions.types must be a string or an integer"),
        ("Unions(list_or_one=['a', 1])", "Unions.list_or_one[1] must be a string"),
        ("OneNeeded()", "OneNeeded needs either a or b and c, not both"),
        ("OneNeeded(a='a', b='b', c='c')", "OneNeeded needs either a or b and c, not both"),
        ("OneNeeded(b='b')", "OneNeeded needs"),
        ("Closed(a='', additional_properties={'b': 1})", "Closed.additional_properties must be empty"),
        (
            "Typed(additional_properties={'b': 1})",
            "Typed.additional_properties['b'] must be of the model Point",
        ),
        ("Holder(pair=['a', None])", "Holder.pair[1] must be"),
        ("Holder(fixed=8)", "Holder.fixed must be 7"),
        ("Holder(fixed_object={'a': 2})", "Holder.fixed_object must be"),
        ("Holder(maps={'a': {'b': 1}})", "Holder.maps['a']['b'] must be of the model Point"),
        ("Holder(secret=5)", "(not shown)"),
        ("Tree(name='a', children=[Tree(name='b'), 'c'])", "Tree.children[1] must be of the model Tree"),
    ],
)
def test_a_wrong_value_is_refused_with_its_path(build: str, told: str, constructs: Trial) -> None:
    constructs.run(
        "NOW = datetime.datetime.now(datetime.timezone.utc)\n"
        "with Echo() as echo, SyncEventStreamer(echo.url, 'me') as client:\n"
        f"    error = refused(lambda: {build}, {told!r})\n"
        "    assert not echo._asked\n"
    )


@pytest.mark.parametrize(
    ("model", "value", "check"),
    [
        ("Enums", {"side": "up", "level": 9, "inline": "blue"}, "made.side == 'up' and made.side.value == 'up'"),
        ("Enums", {"side": "buy", "level": 9}, "made.side is Side.BUY and made.level == 9 and made.level + 1 == 10"),
        ("Enums", {"side": "buy", "nullable": None}, "made.nullable is None and made.inline is EnumsInline.RED"),
        ("Enums", {"side": "buy", "many": ["buy", "left"]}, "made.many == [Side.BUY, 'left']"),
        ("Enums", {"side": "buy", "odd": 9.5, "mixed": "two"}, "made.odd == 9.5 and made.mixed == 'two'"),
        ("Enums", {"side": "buy", "collides": "A"}, "made.collides == 'A'"),
        ("Enums", {"side": "buy", "more": [1]}, "made['more'] == [1] and made.many == [Side.BUY]"),
        ("Names", {"from": "a", "class": "b", "with-hyphen": 1, "with blank": 2, "camelCase": "c", "self": "d"},
         "(made.from_, made.class_, made.with_hyphen, made.with_blank, made.camel_case, made.self_)"
         " == ('a', 'b', 1, 2, 'c', 'd')"),
        ("Names", {"from": "a", "class": "b", "_id": "1", "__x": "2", "to_dict": "3", "additional_properties": "4"},
         "(made.field_id, made.field_x, made.to_dict_, made.additional_properties_) == ('1', '2', '3', '4')"),
        ("Names", {"from": "a", "class": "b", "type": "t", "list": ["l"], "str": "s", "1st": "f", "it's \"quoted\" \\": "q"},
         "made.type == 't' and made.list_ == ['l']"),
        ("Limits", {"tenth": 0.3, "even": 4, "below": 9.9, "map": {"a": 1}, "letters": "ü1"}, "made.tenth == 0.3"),
        ("Limits", {"unique": [1, 2]}, "made.unique == [1, 2]"),
        ("Times", {"at": "2026-01-31T12:00:00Z", "maybe": None}, "made.day == datetime.date(2026, 1, 31)"),
        ("Times", {"at": "2026-01-31T12:00:00Z", "day": "2026-02-01", "or_text": "later"}, "made.or_text == 'later'"),
        ("Times", {"at": "2026-01-31T12:00:00Z", "or_text": "2026-02-01"}, "made.or_text == datetime.date(2026, 2, 1)"),
        ("Defaults", {}, "(made.list_, made.object_, made.point, made.number, made.text, made.nothing, made.void)"
         " == ([1, 2], {'a': 'b'}, Point(x=1), 1, 'it\\'s \"quoted\"', None, True)"),
        ("Defaults", {"list": [1, 2], "void": None, "falsy": False}, "made.void is True and made.falsy is False"),
        ("Inline", {"place": {"city": "a", "street": {"name": "b"}}, "places": [{"city": "c"}], "maybe": None},
         "made.place.street.name == 'b'"),
        ("Inline", {"place": {"city": "a"}, "maybe": {"city": "b"}}, "made.maybe.city == 'b'"),
        ("Derived", {"id": 1, "extra": "e", "note": "n"}, "made.extra == 'e' and made.note == 'n'"),
        ("Twice", {"id": 1, "extra": "e", "note": "n", "x": 2, "own": True}, "made.x == 2 and made.own"),
        ("Unions", {"animal": {"kind": "hound", "bark": "woof"}}, "type(made.animal) is Dog"),
        ("Unions", {"animals": [{"kind": "cat", "lives": 7}, {"kind": "fish"}]},
         "made.animals[0] == Cat(lives=7) and made.animals[1]['kind'] == 'fish'"),
        ("Unions", {"shape": {"shape": "square", "side": 2.5}}, "type(made.shape) is Square"),
        ("Unions", {"shape": {"shape": "star"}}, "type(made.shape) is Unknown"),
        ("Unions", {"loose": {"x": 1, "y": 2}}, "type(made.loose) is Point"),
        ("Unions", {"loose": {"id": 1, "note": "n"}}, "type(made.loose) is Base"),
        ("Unions", {"maybe": None, "types": None}, "made.maybe is None"),
        ("Unions", {"types": "abcd"}, "made.types == 'abcd'"),
        ("Unions", {"types": True}, "made.types == Unknown(True)"),
        ("Unions", {"list_or_one": ["a"], "side_or_number": "buy"}, "made.side_or_number is Side.BUY"),
        ("Unions", {"side_or_number": "left"}, "made.side_or_number == 'left'"),
        ("Unions", {"nested": {"b": 1}}, "made.nested.b == 1"),
        ("OneNeeded", {"b": "b", "c": "c"}, "made.b == 'b'"),
        ("Closed", {"a": "a", "new": 1}, "made['new'] == 1"),
        ("Typed", {"a": "a", "p": POINT}, "made['p'] == Point(x=1, y=2)"),
        ("NamedMap", {"a": 1}, "made['a'] == 1"),
        ("Holder", {"named": {"a": 1}, "free": {"b": [1]}, "any": None, "maps": {"c": {"d": POINT}}},
         "made.maps['c']['d'].x == 1 and made.free == {'b': [1]}"),
        ("Holder", {"points": [POINT], "alias": POINT, "deep": {"city": "a"}, "pair": ["a", 1], "untyped": [None]},
         "made.points == [Point(x=1, y=2)]"),
        ("Holder", {"fixed": 7, "fixed_object": {"a": 1}, "nulls": [None, 1], "file": "text", "yes": 1},
         "made.nulls == [None, 1] and made.file.payload == b'text'"),
        ("Tree", {"name": "a", "children": [{"name": "b", "children": []}]}, "made.children[0].name == 'b'"),
        ("SnakeName", {"a": 1}, "made.a == 1"),
        ("SnakeName2", {"b": 1}, "made.b == 1"),
        ("AnyModel", {"c": 1}, "made.c == 1"),
        ("Clashes", {"fooBar": "a", "foo_bar": 1, "from": "b", "from_": 2}, "(made.foo_bar, made.foo_bar_2, made.from_, made.from_2) == ('a', 1, 'b', 2)"),
    ],
)  # fmt: skip
def test_a_message_is_read_and_written_the_same(
    model: str, value: dict[str, Any], check: str, constructs: Trial
) -> None:
    constructs.run(f"made = round_trip({model}, value)\nassert {check}, made", value=value)
