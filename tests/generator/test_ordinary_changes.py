"""What authors change in an ordinary week: generated, read, written, and sent over a socket by both clients."""

# ruff: noqa: E501 - the rows of a table are read as rows

import json
from typing import Any

import pytest

from support.trials import Trial

PET = {"id": 1, "name": "Rex"}
CAR = {"kind": "car", "doors": 3}
TRUCK = {"kind": "lorry", "load": 1.5}
TANKER = {"kind": "Tanker", "load": 2.5, "holds": "oil"}
AT = "2026-01-31T12:00:00Z"
CREATED = {"event": "Created", "at": AT, "by": "me"}
RENAMED = {"event": "Renamed", "at": AT, "to": "you"}


@pytest.mark.parametrize(
    ("model", "value", "check"),
    [
        ("Pet", PET, "made.status is PetStatus.AVAILABLE and made.priority is PetPriority.VALUE_0 and made.kind == 'pet'"),
        ("Pet", PET | {"status": "on-hold", "priority": -1, "version": 1}, "made.status is PetStatus.ON_HOLD and made.version == 1"),
        ("Pet", PET | {"status": "sold!", "priority": 7}, "made.status.value == 'sold!' and made.priority == 7"),
        ("Pet", PET | {"größe": 0.5, "名前": "犬", "x-y.z": "a"}, "(made.größe, made.名前, made.x_y_z) == (0.5, '犬', 'a')"),
        ("Pet", PET | {"parent": PET | {"parent": None}, "children": {"a": PET}}, "made.parent.parent is None and made.children['a'].id == 1"),
        ("Pet", PET | {"weight": "heavy", "owner": {"name": "Ann", "pets": [PET]}}, "made.weight == 'heavy' and made.owner.pets[0].name == 'Rex'"),
        ("Pet", PET | {"history": [{"at": AT, "event": "x", "to": "Tom"}]}, "type(made.history[0]) is Renamed"),
        ("PageOfPets", {"total": 1, "next": None, "items": [PET]}, "made.items[0].name == 'Rex' and made.next is None" ),
        ("Fleet", {"first": CAR, "all": [TRUCK, {"kind": "new", "wheels": 3}]}, "type(made.first) is Car and type(made.all[0]) is Truck and type(made.all[1]) is Vehicle"),
        ("Fleet", {"by_name": {"a": TANKER}, "spare": None, "described": CAR}, "made.by_name['a'].holds == 'oil' and type(made.described) is Car"),
        ("Fleet", {"spare": CAR | {"tows": TANKER}, "truck": TANKER}, "type(made.spare) is Car and type(made.spare.tows) is type(made.truck) is Tanker"),
        ("Fleet", {"truck": TRUCK}, "type(made.truck) is Truck"),
        ("Doubles", {"lists": [1, 2], "texts": "2026-01-31"}, "made.texts == datetime.date(2026, 1, 31)"),
        ("Doubles", {"lists": ["a", "b", "c"], "texts": "abc"}, "made.texts == 'abc'"),
        ("Doubles", {"inherited": {"kind": "car", "doors": 3}, "unions": RENAMED}, "type(made.inherited) is Car and type(made.unions) is Renamed"),
        ("Doubles", {"unions": True}, "made.unions is True"),
        ("Wrapped", {"name": "Ann", "since": "2026-01-31"}, "made.since == datetime.date(2026, 1, 31)"),
        ("A", {"b": {"c": [{"a": {"x": {"b": {"c": []}}}}]}}, "made.b.c[0].a['x'].b.c == []"),
        ("HoldsJson", {"value": {"a": [1, None, "b"]}}, "made.value == {'a': [1, None, 'b']}"),
        ("HoldsEventList", {"value": [CREATED, RENAMED]}, "[type(each) for each in made.value] == [Created, Renamed]"),
        ("HoldsNestedUnion", {"value": "abc"}, "made.value == 'abc'"),
        ("HoldsEmptyEnum", {"value": ""}, "made.value == ''"),
        ("ComExampleV2OrderItem", {"quantity": 2}, "made.quantity == 2"),
        ("List", {"list": [{"dict": "a"}]}, "made.list_[0].dict_ == 'a'"),
        ("ÜNÏCode", {"ß": "a", "😀": 1, "a b": "c", "a-b": "d", "": "e"}, "made.ß == 'a' and 'e' in vars_of(made)"),
        ("WrappedPets", {"state": "new", "kind": "pets", "data": [PET], "page": {"total": 1, "items": [PET]}, "codes": ["abc"], "either": 1},
         "type(made.data[0]) is Pet and type(made.page) is PageOfPets and made.either == 1"),
        ("WrappedPets", {"state": "new", "place": {"city": "Rome", "street": "Via"}, "links": {"self": "/"}},
         "(made.place.city, made.place.street, made.links) == ('Rome', 'Via', {'self': '/'})"),
        ("Wrapper", {"state": None, "data": [{"a": 1}], "codes": [None]}, "made.data == [{'a': 1}] and made.codes == [None]"),
        ("UsesBoth", {"a": {"place": {"city": "Rome"}}, "b": {"place": {"city": "Oslo"}}}, "type(made.a) is type(made.b) is Wrapper"),
        ("Narrow", {"kind": "one"}, "made.kind.value == 'one'"),
        ("HoldsYears", {"value": "2025"}, "made.value is Years.VALUE_0"),
        ("HoldsShortName", {"value": "abc"}, "made.value == 'abc'"),
        ("HoldsCodes", {"value": ["a", "b"]}, "made.value == ['a', 'b']"),
        ("Anything", {"never": 1, "forgotten_quotes": None}, "made.never == 1 and made.forgotten_quotes is None"),
        ("Account", {"id": 1, "name": "a"}, "(made.id, made.password) == (1, None)"),
        ("NamedOwner", {"name": "Ann", "title": "Dr"}, "(made.name, made.title) == ('Ann', 'Dr')"),
        ("Headers", {"x-a": 1}, "made == Headers(additional_properties={'x-a': 1})"),
        ("HoldsUnseen", {"value": "a\u200db"}, "made.value in [*Unseen]"),
        ("HoldsUnseen", {"value": "a\nb"}, "made.value in [*Unseen]"),
        ("Refers", {}, "(made.target, made.all) == (Reference(kind='Pod', name=''), [Reference(kind='Pod', name='a')])"),
    ],
)  # fmt: skip
def test_a_message_is_read_and_written_the_same(
    model: str, value: dict[str, Any], check: str, ordinary: Trial
) -> None:
    ordinary.run(
        "vars_of = lambda made: [getattr(made, each.name) for each in made.__attrs_attrs__]\n"
        f"made = round_trip({model}, value)\nassert {check}, made",
        value=value,
    )


@pytest.mark.parametrize(
    ("build", "told"),
    [
        ("Doubles(lists=[1, 2, 3])", "Doubles.lists"),
        ("Doubles(texts='abcd')", "Doubles.texts must have 3 characters at most"),
        ("Doubles(unions=-1)", "Doubles.unions must be 0 or more"),
        ("HoldsNestedUnion(value='abcd')", "must have 3 characters at most"),
        ("Pet(id=0, name='a')", "Pet.id must be 1 or more"),
        ("Pet(id=1, name='0123456789')", "Pet.name must have 9 characters at most"),
        ("Pet(id=1, name='a', version=2)", "Pet.version must be 1"),
        ("Fleet(first=Created(at=datetime.datetime.now(datetime.timezone.utc), event='x'))", "Fleet.first must be of the model Vehicle"),
        ("Fleet(truck=Car(kind='car'))", "Fleet.truck must be of the model Truck"),
        ("WrappedPets(state=None)", "WrappedPets.state must be a string"),
        ("WrappedPets(state='')", "WrappedPets.state must have 1 character or more"),
        ("WrappedPets(state='0123456789')", "WrappedPets.state must have 9 characters at most"),
        ("WrappedPets(state='a', kind='dogs')", "WrappedPets.kind must be 'pets'"),
        ("WrappedPets(state='a', data=[])", "WrappedPets.data must have 1 item or more"),
        ("WrappedPets(state='a', data=[{}])", "WrappedPets.data[0] must be of the model Pet"),
        ("WrappedPets(state='a', page=Page(total=1))", "WrappedPets.page must be of the model PageOfPets"),
        ("WrappedPets(state='a', codes=['abc', 'abcd'])", "WrappedPets.codes[1] must have 3 characters at most"),
        ("WrappedPets(state='a', codes=['a', 'ab', 'abc'])", "WrappedPets.codes must have 2 items at most"),
        ("WrappedPets(state='a', either='b')", "WrappedPets.either must be an integer"),
        ("WrappedPetsPlace(city='a', street='Via Appia')", "WrappedPetsPlace.street must have 5 characters at most"),
        ("HoldsShortName(value='')", "must have 1 character or more"),
        ("HoldsShortName(value='abcd')", "must have 3 characters at most"),
        ("HoldsCodes(value=['abc'])", "[0] must have 2 characters at most"),
        ("HoldsCodes(value=['a', 'a'])", "[1] must not be there twice"),
        ("PetPatch()", "must have 1 field or more"),
        ("Account.from_dict({'name': 'a', 'password': 'b'})", "Account.id is missing"),
        ("NamedOwner.from_dict({'name': 'Ann'})", "NamedOwner.title is missing"),
        ("Defines(text='a')", "Defines.text must have 2 characters or more"),
        ("Defines(text='abcd')", "Defines.text must have 3 characters at most"),
        ("Defines(texts=['a', 'ba'])", "Defines.texts[1] must match ^a"),
        ("Defines(texts=['abcd'])", "Defines.texts[0] must have 3 characters at most"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_with_its_path(build: str, told: str, ordinary: Trial) -> None:
    ordinary.run(f"refused(lambda: {build}, {told!r})")


@pytest.mark.parametrize(
    ("call", "status", "body", "asked", "result"),
    [
        ("list_pets()", 200, [PET], "GET /pets", "[Pet(id=1, name='Rex', version=None)]"),
        ("list_pets(limit=ListPetsLimit.VALUE_100, größe=1.5, shared='a')", 200, [], "GET /pets?limit=100&größe=1.5&shared=a", "[]"),
        ("list_pets(a_b='x', a_b_2=2, field_='+', field_2='=')", 200, [], "GET /pets?a-b=x&a_b=2&+=+&===", "[]"),
        ("create_pet(Pet(id=1, name='Rex'))", 200, PET, "POST /pets", "Pet(id=1, name='Rex', version=None)"),
        ("create_pet(Pet(id=1, name='Rex'))", 204, None, "POST /pets", "None"),
        ("get_pet(1)", 200, PET, "GET /pets/1", "Pet(id=1, name='Rex', version=None)"),
        ("update_pet(1, PetPatch(name=None))", 200, PET, "PATCH /pets/1", "Pet(id=1, name='Rex', version=None)"),
        ("get_owners_owner_pets_id('a/b', 2)", 200, {"total": 0, "items": []}, "GET /owners/a%2Fb/pets/2", "PageOfPets(total=0, items=[])"),
        ("make_account(Account(name='a', password='b'))", 201, {"id": 1, "name": "a"}, "POST /accounts", "Account(id=1, name='a', password=None)"),
        ("trailing()", 200, CAR, "GET /trailing/", "Car(kind='car', doors=3)"),
        ("not_trailing()", 200, {"a": TRUCK}, "GET /trailing", "{'a': Truck(kind='lorry', load=1.5)}"),
        ("add_vehicle(Truck(kind='lorry', load=1.5))", 201, None, "POST /vehicles", "None"),
        ("add_vehicle(Truck(kind='lorry', load=1.5))", 201, {"kind": "new"}, "POST /vehicles", "Vehicle(kind='new')"),
    ],
)  # fmt: skip
def test_a_call_is_sent_by_both_clients(
    call: str, status: int, body: Any, asked: str, result: str, ordinary: Trial
) -> None:
    content = b"" if status == 204 else json.dumps(body).encode()
    ordinary.run(
        f"with Echo({status}, {content!r}) as echo:\n"
        "    def check(result, asked):\n"
        "        query = '&'.join(f'{name}={value}' for name, value in asked.query)\n"
        "        assert f'{asked.method} {asked.path}' + (f'?{query}' if query else '') == wanted, asked\n"
        f"        assert result == {result} and type(result) is type({result}), result\n"
        f"    both(echo, lambda client: client.{call}, check)\n",
        wanted=asked,
    )


def test_a_range_of_content_types_is_sent_as_one_of_them(ordinary: Trial) -> None:
    ordinary.run(
        "with Echo(204, b'') as echo:\n"
        "    def check(result, asked):\n"
        "        assert asked.headers['content-type'] == 'application/octet-stream', asked\n"
        "    both(echo, lambda client: client.send_any(b'a'), check)\n"
    )


def test_an_empty_argument_never_asks_for_another_resource(ordinary: Trial) -> None:
    ordinary.run(
        "with Echo(200, b'{}') as echo, SyncEventStreamer(echo.url, 'me', max_retries=0) as client:\n"
        "    refused(lambda: client.get_owner(''), 'it would ask for another resource')\n"
        "    refused(lambda: client.get_owners_owner_pets_id('', 1), 'would ask for another resource')\n"
    )


def test_what_a_client_has_no_part_in_is_told(ordinary: Trial) -> None:
    told = ordinary.told.replace(f"{ordinary.document.name}#", "").splitlines()
    assert sorted(told) == [
        "/components/schemas/Headers: `patternProperties` isn't enforced",
        "/components/schemas/Never: `false` isn't enforced: no value is allowed here",
        "/components/schemas/Page/properties/next: `format: uri` isn't enforced",
        "/components/schemas/Years: the value 2025 of `enum` is taken for the text '2025'",
        "/components/schemas/Years: the value True of `enum` is taken for the text 'true'",
        "/paths/~1pets/post: `callbacks` aren't generated: a client doesn't receive calls",
        "/paths/~1pets: `servers` isn't followed: the call goes to the client's own URL",
        "/webhooks: webhooks aren't generated: a client doesn't receive calls",
    ]
