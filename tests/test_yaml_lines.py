import pytest

from bench.yaml_lines import GridError, read_yaml


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1e-4", 1e-4),
        ("4e-3", 4e-3),
        ("1.5E+3", 1500.0),
        ("300_000", 300_000),
        ("-7", -7),
        (".5", 0.5),
        ("2.", 2.0),
        ("true", True),
        ("no", "no"),
        ("on", "on"),
        ("012", 12),
        ("1:30", "1:30"),
        ("2019-06-01", "2019-06-01"),
        ("null", None),
        ("'1e-4'", "1e-4"),
    ],
)
def test_plain_words_mean_what_they_look_like(written, meant):
    value = read_yaml(f"a: {written}", "x.yaml")[0]["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_every_path_knows_its_line():
    data, lines = read_yaml("a: 1\nb:\n  c: [1, 2]\n  d:\n    - x\n    - y\n", "x.yaml")
    assert data == {"a": 1, "b": {"c": [1, 2], "d": ["x", "y"]}}
    assert lines["a",] == 1
    assert lines["b", "d"] == 4
    assert lines["b", "d", 1] == 6


def test_anchors_merge_and_a_key_given_beside_them_wins():
    data, _ = read_yaml("base: &base {x: 1, y: 2}\nown: {<<: *base, y: 3}\n", "x.yaml")
    assert data["own"] == {"x": 1, "y": 3}


def test_repeated_keys_are_all_reported_with_both_lines():
    with pytest.raises(GridError) as caught:
        read_yaml("a: 1\nb: {c: 1, c: 2}\na: 2\n", "x.yaml")
    assert str(caught.value) == (
        "x.yaml, line 2: the key 'c' in b was given before, in line 2\n"
        "x.yaml, line 3: the key 'a' was given before, in line 1"
    )


def test_python_objects_are_refused():
    with pytest.raises(GridError, match="line 2: the YAML tag .*os.system' is not allowed"):
        read_yaml("b: 1\na: !!python/object/apply:os.system ['true']", "x.yaml")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\n<<: 5", "x.yaml, line 2: this is not YAML: expected a mapping or list of mappings"),
        ("a: &a {b: *a}", "x.yaml: this is nested too deep, or an anchor holds an alias of itself"),
        ("a: " + 2000 * "[", "x.yaml: this is nested too deep"),
        ("a: 1\n? [b, c]\n: 2", "x.yaml, line 2: a key must be a word, not a list or a mapping"),
        ("a: {{b: 1}: 2}", "x.yaml, line 1: a key must be a word"),
        ("a: b\0c", "x.yaml: this is not YAML: unacceptable character #x0000"),
    ],
)
def test_what_no_grid_holds_is_a_sentence(text, sentence):
    with pytest.raises(GridError) as caught:
        read_yaml(text, "x.yaml")
    assert str(caught.value).startswith(sentence)


def test_a_key_is_its_word():
    data, lines = read_yaml("mig: {null: false}\ntrue: 1\n012: 2\n", "x.yaml")
    assert data == {"mig": {"null": False}, "true": 1, "012": 2}
    assert lines["mig", "null"] == 1


def test_aliases_of_aliases_that_would_fill_the_memory_are_a_sentence():
    text = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for i in range(1, 12):
        text += f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"
    with pytest.raises(GridError, match="anchors and aliases make over 200,000 entries"):
        read_yaml(text, "x.yaml")
