"""serving_config: what the server reads, by the server's own messages."""

import shlex

import pytest
from google.protobuf import text_format

import mtl_keras as mtl

pytestmark = pytest.mark.graph


@pytest.fixture
def models(tmp_path):
    for folder in ("digits/1", "digits/3", "my faces/7"):
        (tmp_path / folder).mkdir(parents=True)
    return {"digits": tmp_path / "digits", "faces": tmp_path / "my faces"}


def test_models_and_version_labels(models, tmp_path):
    messages = pytest.importorskip(
        "tensorflow_serving.config.model_server_config_pb2", reason="needs tensorflow-serving-api"
    )
    mtl.export.serving_config(models, tmp_path / "serving", labels={"digits": {"stable": 1, "canary": 3}})
    text = (tmp_path / "serving" / "models.config").read_text()
    config = text_format.Parse(text, messages.ModelServerConfig()).model_config_list.config
    assert [(c.name, c.base_path, c.model_platform) for c in config] == [
        ("digits", "/models/digits", "tensorflow"),
        ("faces", "/models/faces", "tensorflow"),
    ]
    assert dict(config[0].version_labels) == {"stable": 1, "canary": 3}
    assert list(config[0].model_version_policy.specific.versions) == [1, 3]
    assert not config[1].HasField("model_version_policy")
    assert not (tmp_path / "serving" / "batching.config").exists()


def test_the_command(models, tmp_path):
    folder = tmp_path / "serving"
    line = mtl.export.serving_config(
        models, folder, labels={"faces": {"stable": 7}}, batching={"max_batch_size": 64, "num_batch_threads": 2}
    )
    assert shlex.split(line) == [
        *("docker", "run", "--rm", "-p", "8500:8500", "-p", "8501:8501"),
        *("-v", f"{tmp_path / 'digits'}:/models/digits:ro", "-v", f"{tmp_path / 'my faces'}:/models/faces:ro"),
        *("-v", f"{folder}:/serving:ro", "tensorflow/serving", "--model_config_file=/serving/models.config"),
        "--allow_version_labels_for_unavailable_models=true",
        *("--enable_batching=true", "--batching_parameters_file=/serving/batching.config"),
    ]
    text = (folder / "batching.config").read_text()
    assert text == "max_batch_size { value: 64 }\nnum_batch_threads { value: 2 }\n"
    assert "batching" not in mtl.export.serving_config(models, folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": {"digits": {"stable": 2}}}, r"`models\['digits'\]` lacks versions \[2\]: in .* there are \[1, 3\]"),
        (
            {"labels": {"digit": {"stable": 1}}},
            r"`labels` must name models out of \['digits', 'faces'\]. Received: \['d",
        ),
        ({"labels": {"digits": {"st able": 1}}}, r"Names of models and labels must .*Received: 'st able'"),
        (
            {"batching": {"max_batch": 1}},
            r"`batching` has unknown keys \['max_batch'\]. Expected keys out of ",
        ),
        ({"batching": {"max_batch_size": 0}}, r"`batching\['max_batch_size'\]` must be an integer of at least 1"),
        (
            {"labels": {"digits": {"stable": True}}},
            r"`labels\['digits'\]\['stable'\]` must be an integer of at least 1",
        ),
        ({"models": {"a b": "."}}, r"Names of models and labels must .*Received: 'a b'"),
        ({"models": {"new": "nowhere"}}, r"`models\['new'\]` lacks versions \[\]: in nowhere there are \[\]"),
    ],
)
def test_what_no_server_takes(models, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        mtl.export.serving_config(**{"models": models, "folder": tmp_path / "serving", **arguments})
    assert not (tmp_path / "serving").exists()
