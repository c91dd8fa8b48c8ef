"""Networks of other people become heads and models that give what they gave."""

import json
import shutil

import numpy as np
import pytest
import wiring
from helpers import published_weights
from msgspec import structs
from wiring import head_graph

import pyplugin
from pyplugin.daw import container
from pyplugin.errors import ModelError
from pyplugin.models import heads, registry
from pyplugin.models.graphs.graph import GraphBuilder
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importing import import_file, layers_in

RNG = np.random.default_rng(23)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    return tmp_path


def head_file(folder, *, name="mood", size=64, classes=("happy", "sad"), last="Softmax"):
    """Write a dense head as Essentia publishes them, with its card; return weights and path."""
    weights, bias = RNG.normal(size=(size, len(classes))), RNG.normal(size=len(classes))
    path = folder / f"{name}.pb"
    path.write_bytes(head_graph(weights, bias, last=last))
    card = {"name": "a mood", "classes": list(classes), "author": "Me", "license": "CC0-1.0"}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path, weights, bias


def test_a_head_gives_what_its_graph_gives(folder):
    path, weights, bias = head_file(folder)
    done = import_file(path, ImportOptions(model="scene"))
    assert (done.kind, done.name, done.notes) == ("head", "mood", ())
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 16000)
    result = pyplugin.tag(tone, 16000, heads=["mood"], embedding="embedding")
    scores = np.exp(result.embeddings.astype("f8") @ weights + bias)
    want = scores / scores.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(result.heads["mood"].activations, want, atol=1e-6)
    head = heads.load("mood")
    assert head.labels == ("happy", "sad")
    assert not head.multi_label
    assert head.about["licence"] == "CC0-1.0"


def test_a_sigmoid_head_has_several_labels_and_a_regression_is_told(folder):
    path, _, _ = head_file(folder, last="Sigmoid")
    assert import_file(path, ImportOptions(model="scene")).notes == ()
    assert heads.load("mood").multi_label
    path, weights, bias = head_file(folder, name="va", last="Identity")
    done = import_file(path, ImportOptions(model="scene"))
    assert "regression" in done.notes[0]
    x = RNG.normal(size=(3, 64))
    np.testing.assert_allclose(heads.run(heads.load("va"), x), x @ weights + bias, rtol=1e-5)


def test_names_and_backbones_come_from_the_card_or_the_file(folder):
    path, _, _ = head_file(folder, name="genre-discogs-effnet-1")
    done = import_file(path)
    assert (done.name, heads.load("genre").model) == ("genre", "discogs-effnet-bs64-1")
    assert "tagnode models import discogs-effnet-bs64-1.pb" in done.notes[0]
    done = import_file(path, ImportOptions(name="g2", model="musicnn-msd", embedding="dense"))
    assert "tagnode models get musicnn-msd" in done.notes[0]
    path, _, _ = head_file(folder, name="mine")
    with pytest.raises(ModelError, match=r"64 values.*--model"):
        import_file(path)
    path, _, _ = head_file(folder, size=65)
    with pytest.raises(ModelError, match="takes 65 values; embedding of scene has 64"):
        import_file(path, ImportOptions(model="scene"))


def network(folder, *, bands_first=False, name="net"):
    """Write a small network on 32 frames of MusiCNN's 96 bands; return path and graph."""
    builder = GraphBuilder()
    shape = (1, 96, 32, 1) if bands_first else (1, 32, 96)
    x = builder.input("x", shape)
    y = builder.reshape(x, (1, *shape[1:3], 1))
    y = builder.unary("relu", builder.conv(y, RNG.normal(size=(3, 5, 1, 4)) / 10))
    y = builder.reduce("mean", y, (1, 2), keep=False)
    graph = builder.finish({"y": builder.softmax(builder.dense(y, RNG.normal(size=(4, 3))))})
    path = folder / f"{name}.tflite"
    path.write_bytes(tflite_of(graph))
    (folder / "labels.txt").write_text("one\ntwo\nthree\n")
    return path, graph


@pytest.mark.parametrize("bands_first", [False, True])
def test_a_network_with_a_named_front_end_is_a_model(folder, bands_first):
    path, graph = network(folder, bands_first=bands_first)
    options = ImportOptions(front_end="musicnn", labels=folder / "labels.txt", licence="MIT")
    done = import_file(path, options)
    assert (done.kind, done.name, done.notes) == ("model", "net", ())
    card = registry.info("net")
    assert (card.labels, card.patch_frames, card.license) == (("one", "two", "three"), 32, "MIT")
    assert registry.verify()[-1].ok
    noise = RNG.normal(size=32000) / 10
    tags = pyplugin.tag(noise, 16000, model="net", hop=0.256)
    mel = pyplugin.melspectrogram(noise, 16000)
    for row, time in enumerate(tags.times):
        first = round(time * 16000 / 256)
        patch = mel[first : first + 32]
        want = graph.run(patch.T if bands_first else patch)["y"]
        np.testing.assert_allclose(tags.activations[row : row + 1], want, atol=1e-5)
    with pytest.raises(ModelError, match="own; give another --name"):
        import_file(path, ImportOptions(**{**vars(options), "name": "musicnn-mtt"}))


def recorded(model):
    """Return patches of noise, as the command takes them of recordings."""
    noise = RNG.normal(size=160000) / 10
    result = pyplugin.tag(noise, 16000, model=model, hop=0.256, embedding="patch")
    return [result.embeddings[:20], result.embeddings[20:]]


def test_recordings_make_a_network_int8_and_inline(folder):
    (folder / "labels.txt").write_text("one\ntwo\nthree\n")
    options = ImportOptions(
        front_end="musicnn", labels=folder / "labels.txt", licence="MIT", patches=recorded
    )
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    kernel, matrix = RNG.normal(size=(4, 1, 3, 5)) / 10, RNG.normal(size=(4, 3))
    nodes = [
        onnx.helper.make_node("Unsqueeze", ["x", "axis"], ["i"]),
        onnx.helper.make_node("Conv", ["i", "w"], ["c"]),
        onnx.helper.make_node("Relu", ["c"], ["r"]),
        onnx.helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        onnx.helper.make_node("Flatten", ["g"], ["f"]),
        onnx.helper.make_node("MatMul", ["f", "m"], ["l"]),
        onnx.helper.make_node("Softmax", ["l"], ["y"]),
    ]
    arrays = {"w": kernel.astype("f4"), "m": matrix.astype("f4"), "axis": np.array([1])}
    kind = onnx.TensorProto.FLOAT
    whole = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", kind, (1, 32, 96))],
        [onnx.helper.make_tensor_value_info("y", kind, (1, 3))],
        [onnx.numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    path = folder / "net.onnx"
    path.write_bytes(onnx.helper.make_model(whole, ir_version=9).SerializeToString())
    done = import_file(path, options)
    assert "runs in the callback" in done.notes[0]
    card = registry.info("net")
    assert card.model_types == ("tflite-int8",)
    assert card.quantisation.float_mean_abs_diff <= 0.005
    assert (card.calibration.recordings, card.calibration.patches) == (1, 20)
    noise = RNG.normal(size=32000) / 10
    results = {
        runtime: pyplugin.tag(noise, 16000, model="net", runtime=runtime).activations
        for runtime in ("inline", "litert")
    }
    np.testing.assert_allclose(results["inline"], results["litert"], atol=1e-6)
    with pytest.raises(ModelError, match="0 windows; at least 8"):
        import_file(path, ImportOptions(**{**vars(options), "patches": lambda model: []}))


def test_what_is_not_known_asks_for_its_front_end(folder):
    path, _ = network(folder)
    with pytest.raises(ModelError, match=r"x \[1, 32, 96\] and returns y \[1, 3\].*--front-end"):
        import_file(path)
    with pytest.raises(ModelError, match=r"front-end 'muscnn'; did you mean"):
        import_file(path, ImportOptions(front_end="muscnn"))
    with pytest.raises(ModelError, match="64 bands"):
        import_file(path, ImportOptions(front_end="vggish"))
    card = json.loads((registry.shipped_folder() / "scene.json").read_text())
    own = folder / "own.json"
    own.write_text(json.dumps({"inference": card["inference"]}))
    given = {"front_end": str(own), "labels": folder / "labels.txt"}
    assert import_file(path, ImportOptions(**given)).name == "net"
    own.write_text(json.dumps({"inference": {**card["inference"], "log": "ln"}}))
    with pytest.raises(ModelError, match="log"):
        import_file(path, ImportOptions(**given))


def test_several_outputs_are_listed(folder):
    graph = wiring.placeholder("x", (-1, 4)) + wiring.node("a", "Sigmoid", "x")
    graph += wiring.node("b", "Sigmoid", "x")
    path = folder / "two.pb"
    path.write_bytes(graph)
    with pytest.raises(ModelError, match=r"--output: a \[1, 4\], b \[1, 4\]"):
        import_file(path)
    assert [layer.name for layer in layers_in(path)] == ["a", "b"]
    with pytest.raises(ModelError, match="no layer 'c'"):
        import_file(path, ImportOptions(output="c"))


def test_options_of_the_other_kind_are_refused(folder):
    head, _, _ = head_file(folder)
    for name, value in {"hop": 1.0, "layers": ("a",), "patches": recorded}.items():
        with pytest.raises(ModelError, match="is a head"):
            import_file(head, ImportOptions(model="scene", **{name: value}))
    path, _ = network(folder)
    given = {"front_end": "musicnn", "labels": folder / "labels.txt"}
    with pytest.raises(ModelError, match="--calibrate is for other formats"):
        import_file(path, ImportOptions(**given, patches=recorded))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.history", b"", "train head"),
        ("a.txt", b"hello", "format is not known"),
        ("a.pb", b"\xff\xff", "a.pb: The file is cut off or damaged"),
        ("a.onnx", b"", "not an ONNX network"),
        ("a.tflite", b"\x1c\0\0\0TFL3" + bytes(40), "cannot be read"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        ("a.json", b"{}", "TensorFlow.js"),
    ],
)
def test_files_that_are_no_networks(folder, name, content, words):
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=words):
        import_file(path)
    assert not (folder / "models").exists()


def test_what_cannot_be_named(folder):
    path, _, _ = head_file(folder)
    with pytest.raises(ModelError, match="cannot be called"):
        import_file(path, ImportOptions(name="../up", model="scene"))
    with pytest.raises(ModelError, match=r"without saved_model\.pb"):
        import_file(folder)
    with pytest.raises(ModelError, match="no signatures"):
        import_file(path, ImportOptions(signature="a"))
    (folder / "a.index").write_bytes(b"")
    with pytest.raises(ModelError, match=r"\.meta file beside it"):
        import_file(folder / "a.index")
    with pytest.raises(ModelError, match="nothing\\.pb"):
        import_file(folder / "nothing.pb")


def test_arrays_beside_a_network_stay_beside_it(folder):
    manifest = [{"paths": ["../secret"], "weights": []}]
    (folder / "model.json").write_text(
        json.dumps({"modelTopology": {"node": []}, "weightsManifest": manifest})
    )
    with pytest.raises(ModelError, match="not beside it"):
        import_file(folder / "model.json")


# ---- operators that are not known here


def odd_onnx(folder, frames=32):
    """Write a network with an operator that only onnxruntime knows; return its path."""
    onnx_networks = pytest.importorskip("onnx_networks")
    nodes = [
        ("MatMul", ["x", "w"], ["m"], {}),
        ("Hardmax", ["m"], ["h"], {}),
        ("ReduceMean", ["h"], ["y"], {"axes": [1], "keepdims": 0}),
        ("Softmax", ["y"], ["s"], {}),
    ]
    arrays = {"w": onnx_networks.array(96, 3)}
    data = onnx_networks.network(nodes, (1, frames, 96), arrays, outputs=("s",))
    path = folder / "odd.onnx"
    path.write_bytes(data)
    (folder / "labels.txt").write_text("one\ntwo\nthree\n")
    return path, arrays["w"]


def odd_values(mel, kernel):
    """Return what that network gives."""
    products = mel @ kernel
    shares = (products == products.max(axis=1, keepdims=True)).mean(axis=0)
    raised = np.exp(shares)
    return raised / raised.sum()


def test_onnxruntime_runs_what_is_not_known_here(folder, run):
    path, kernel = odd_onnx(folder)
    options = ImportOptions(
        front_end="musicnn", labels=folder / "labels.txt", layers=("y",), licence="MIT"
    )
    done = import_file(path, options)
    assert done.path.name == "odd.onnx"
    card = registry.info("odd")
    assert (card.model_types, card.framework, card.embedding) == (("onnx",), "onnx", "y")
    assert registry.verify()[-1].ok
    assert [status.name for status in registry.available() if status.built][-1] == "odd"
    noise = RNG.normal(size=32000) / 10
    result = pyplugin.tag(noise, 16000, model="odd", hop=0.256, embedding="y")
    mel = pyplugin.melspectrogram(noise, 16000)
    for row, time in enumerate(result.times):
        first = round(time * 16000 / 256)
        want = odd_values(mel[first : first + 32], kernel)
        np.testing.assert_allclose(result.activations[row], want, atol=1e-5)
    by_path = pyplugin.tag(noise, 16000, model=str(done.path), hop=0.256)
    np.testing.assert_array_equal(by_path.activations, result.activations)
    with pytest.raises(ModelError, match=r"litert does not run odd, which is an \.onnx model"):
        pyplugin.tag(noise, 16000, model="odd", runtime="litert")
    with pytest.raises(ModelError, match="onnxruntime does not run scene"):
        pyplugin.tag(noise, 16000, model="scene", runtime="onnxruntime")
    assert run("plugins", "model", "odd")[0] == 2
    assert any(layer.kind == "Hardmax" for layer in layers_in(done.path))


def test_a_file_is_kept_for_onnxruntime_if_the_user_says_so(folder):
    path, _ = odd_onnx(folder)
    path.write_bytes(path.read_bytes().replace(b"Hardmax", b"Softmax"))
    given = {"front_end": "musicnn", "labels": folder / "labels.txt", "name": "mine"}
    noise = RNG.normal(size=32000) / 10
    values = []
    for runtime, suffix in ((None, ".tflite"), ("onnxruntime", ".onnx"), (None, ".tflite")):
        done = import_file(path, ImportOptions(**given, runtime=runtime))
        names = sorted(each.name for each in done.path.parent.glob("mine.*"))
        assert names == sorted(["mine.json", f"mine{suffix}"])
        values.append(pyplugin.tag(noise, 16000, model="mine", hop=0.256).activations)
    np.testing.assert_allclose(values[1], values[0], atol=1e-5)
    pb, _, _ = head_file(folder)
    with pytest.raises(ModelError, match=r"\.onnx files can be kept"):
        import_file(pb, ImportOptions(runtime="onnxruntime"))
    with pytest.raises(ModelError, match=r"takes 32 mel frames at once, so --patch 64"):
        import_file(path, ImportOptions(**given, patch=64))


@pytest.mark.parametrize("runtime", [None, "onnxruntime"])
def test_a_card_gives_the_frames_that_onnx_leaves_open(folder, runtime):
    path, _ = odd_onnx(folder, "time")
    start = {"name": "odd", "classes": ["one", "two", "three"], "patch_frames": 24}
    path.with_suffix(".json").write_text(json.dumps(start))
    import_file(path, ImportOptions(front_end="musicnn", runtime=runtime))
    assert registry.info("odd").patch_frames == 24


def test_an_operator_that_nobody_knows_is_named(folder):
    path, _ = odd_onnx(folder)
    path.write_bytes(path.read_bytes().replace(b"Hardmax", b"Hardmix"))
    with pytest.raises(ModelError, match=r"odd\.onnx: The operator Hardmix .*onnxruntime cannot"):
        import_file(path, ImportOptions(front_end="musicnn"))
    assert not (folder / "models").exists()


def odd_module(tf, folder, name="odd"):
    """Save a network with an operator that TensorFlow and .tflite know, but not we."""

    class Module(tf.Module):
        def __init__(self):
            self.kernel = tf.Variable(RNG.normal(size=(96, 3)).astype("f4"))

        @tf.function(input_signature=[tf.TensorSpec((None, 32, 96))])
        def __call__(self, x):
            y = tf.reduce_mean(tf.sin(x @ self.kernel), 1)
            return {"activations": tf.sigmoid(y)}

    module = Module()
    tf.saved_model.save(module, str(folder / name), signatures={"serving": module.__call__})
    (folder / "labels.txt").write_text("one\ntwo\nthree\n")
    return folder / name, module


def test_tensorflow_converts_what_is_not_known_here(folder, capfd):
    tf = pytest.importorskip("tensorflow", reason="needs tensorflow")
    path, module = odd_module(tf, folder)
    (layer,) = (each.name for each in layers_in(path) if "MatMul" in each.kind)
    lines = []
    given = {"front_end": "musicnn", "labels": folder / "labels.txt", "report": lines.append}
    capfd.readouterr()
    done = import_file(path, ImportOptions(**given, licence="MIT", layers=(layer,)))
    assert capfd.readouterr() == ("", "")
    assert (done.name, done.path.suffix) == ("odd", ".tflite")
    assert lines[0].startswith("Converting")
    noise = RNG.normal(size=32000) / 10
    result = pyplugin.tag(
        noise, 16000, model="odd", hop=0.256, embedding=registry.info("odd").embedding
    )
    mel = pyplugin.melspectrogram(noise, 16000)
    for row, time in enumerate(result.times):
        first = round(time * 16000 / 256)
        product = mel[first : first + 32] @ module.kernel.numpy()
        np.testing.assert_allclose(result.embeddings[row], product.reshape(-1), atol=1e-4)
        want = module(tf.constant(mel[None, first : first + 32]))["activations"].numpy()[0]
        np.testing.assert_allclose(result.activations[row], want, atol=1e-5)


def test_saved_models_of_known_operators_need_no_tensorflow(folder, monkeypatch):
    tf = pytest.importorskip("tensorflow", reason="needs tensorflow")
    network = tf.keras.Sequential([tf.keras.Input((64,)), tf.keras.layers.Dense(2, "softmax")])
    network.export(folder / "mood", verbose=False)
    monkeypatch.setattr("pyplugin.models.importing.converted", None)
    (folder / "labels.txt").write_text("happy\nsad\n")
    done = import_file(folder / "mood", ImportOptions(model="scene", labels=folder / "labels.txt"))
    assert (done.kind, done.name) == ("head", "mood")
    x = RNG.normal(size=(3, 64)).astype("f4")
    np.testing.assert_allclose(heads.run(heads.load("mood"), x), network(x).numpy(), atol=1e-6)


# ---- what others published


@pytest.mark.usefixtures("musicnn")
def test_heads_of_essentia(folder):
    weights = published_weights()
    for name in ("moods_mirex-msd-musicnn-1", "emomusic-msd-musicnn-1"):
        shutil.copy(weights / "essentia-msd-musicnn" / f"{name}.pb", folder)
        card = (
            weights
            / "essentia-json"
            / f"{name.replace('emomusic-msd-musicnn-1', 'emomusic-msd-musicnn-2')}.json"
        )
        shutil.copy(card, folder / f"{name}.json")
        import_file(folder / f"{name}.pb")
    assert heads.load("emomusic").labels == ("valence", "arousal")
    assert len(heads.load("moods_mirex").labels) == 5
    for size, name in ((200, "emomusic"), (200, "moods_mirex")):
        head = heads.load(name)
        assert (head.model, head.output, head.size) == ("musicnn-msd", "dense", size)


def test_yamnet_names_a_sine_silence_and_noise(folder):
    del folder
    import_file(
        published_weights() / "yamnet" / "yamnet_spectra_in.tflite", ImportOptions(name="yamnet")
    )
    card = registry.info("yamnet")
    assert (card.license, card.default_hop, card.embedding) == ("Apache-2.0", 0.48, "embedding")
    times = np.arange(5 * 16000) / 16000
    sounds = {
        "Sine wave": (0.3 * np.sin(2 * np.pi * 440 * times), 1),
        "Silence": (0 * times, 1),
        "White noise": (RNG.normal(size=len(times)) / 10, 10),
    }
    for label, (sound, place) in sounds.items():
        result = pyplugin.tag(sound, 16000, model="yamnet", runtime="inline", embedding="embedding")
        assert label in [name for name, _ in result.top(place)]
        assert result.embeddings.shape[1] == 1024


def test_tempocnn_finds_the_tempo_of_a_drum_loop(folder):
    del folder
    from pyplugin.tempo import tempo

    loop = published_weights().parent / "corpus" / "clips" / "drum-loop.ogg"
    for name in ("deeptemp_k16", "fcn"):
        import_file(published_weights() / "tempocnn" / f"{name}.h5")
        assert tempo(loop, model=name).overall == pytest.approx(tempo(loop).overall, abs=2)


def test_all_graphs_of_others_give_in_litert_what_they_give_in_numpy(folder):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT")
    from pyplugin.models.graphs.source import graph_of
    from pyplugin.models.importing import open_file

    del folder
    weights = published_weights()
    paths = [*weights.glob("essentia-classifiers-v1/*.pb"), *weights.glob("tempocnn/*.h5")]
    paths += [*weights.glob("essentia-test-graphs/*.pb"), weights / "deepsound" / "model.json"]
    for path in paths:
        source = open_file(path)
        graph = graph_of(source, {"y": source.ends[-1]})
        (value,) = graph.inputs.values()
        x = RNG.uniform(size=value.shape).astype("f4")
        made = interpreter.Interpreter(model_content=tflite_of(graph), num_threads=1)
        made.allocate_tensors()
        made.set_tensor(made.get_input_details()[0]["index"], x)
        made.invoke()
        got = made.get_tensor(made.get_output_details()[0]["index"])
        np.testing.assert_allclose(got, graph.run(x)["y"], atol=1e-5, err_msg=path.name)


def test_a_whole_model_of_a_regression_keeps_its_unit(folder, run, clips):
    """Valence and arousal from 1 to 9: a network on mel frames that ends in no activation."""
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    kind, weights = onnx.TensorProto.FLOAT, RNG.uniform(0, 0.01, (96, 2)).astype("f4")
    bias = np.array([5, 4.5], "f4")
    nodes = [
        onnx.helper.make_node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=0),
        onnx.helper.make_node("Gemm", ["m", "w", "b"], ["y"]),
    ]
    arrays = {"w": weights, "b": bias}
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", kind, (1, 20, 96))],
        [onnx.helper.make_tensor_value_info("y", kind, (1, 2))],
        [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    (folder / "mood.onnx").write_bytes(model.SerializeToString())
    (folder / "mood.json").write_text(
        json.dumps({"name": "mood", "type": "regression model", "classes": ["valence", "arousal"]})
    )
    done = import_file(folder / "mood.onnx", ImportOptions(front_end="musicnn"))
    assert done.kind == "model"
    assert "regression" in done.notes[0]
    card = registry.info("mood")
    assert (card.outputs[0].purpose, card.type) == ("regression", "regression model")
    samples = np.random.default_rng(2).normal(0, 0.1, 16000)
    result = pyplugin.tag(samples, 16000, model="mood", hop=0.32)
    mel = pyplugin.melspectrogram(samples, 16000, "musicnn")
    want = np.stack([mel[at : at + 20].mean(axis=0) @ weights + bias for at in range(0, 40, 20)])
    np.testing.assert_allclose(result.activations[:2], want, atol=1e-4)
    assert result.activations.max() > 3
    code, out, _ = run("tag", min(clips.glob("*.ogg")), "--model", "mood")
    assert code == 0
    assert "valence" in out
    assert "#" not in out
    with pytest.raises(ModelError, match="the plugin runs int8"):
        container.encode(card, b"")
    int8 = structs.replace(card, model_types=("tflite-int8",))
    with pytest.raises(ModelError, match="no labels with values from 0 to 1"):
        container.encode(int8, b"")
