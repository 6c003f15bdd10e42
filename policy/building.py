"""From spaces and a form to a network: which torso reads which observations."""

from __future__ import annotations

from touchline.policy.custom import custom_torso
from touchline.policy.distributions import Distribution
from touchline.policy.features import feature_size
from touchline.policy.form import Form
from touchline.policy.images import ImageTorso
from touchline.policy.joined import JoinedTorso
from touchline.policy.kinds import Box, Path, raw_shape
from touchline.policy.layer_norm import NormedTorso
from touchline.policy.network import Network
from touchline.policy.products import DENSE, Product
from touchline.policy.reading import Reading
from touchline.policy.records import RecordLeaf
from touchline.policy.recurrent import GRU, LSTM, Core
from touchline.policy.sparse import SPARSE, check_sparse
from touchline.policy.torso import DenseTorso, Torso


def network_of(reading: Reading, distribution: Distribution, form: Form) -> Network:
    """The network. Raises SpaceError where the form does not fit the observations."""
    torso = torso_of(reading, form)
    return Network.build(
        torso=torso,
        core=core_of(form, torso.size),
        head_form=distribution,
        shared=form.shared,
        has_value=form.value,
        bias=form.bias,
        initialization=form.initialization,
        log_std=form.log_std,
    )


def torso_of(reading: Reading, form: Form) -> Torso:
    """What reads the observations. Raises SpaceError where the form does not fit them."""
    if form.network is not None:
        shape = raw_shape(reading.space) if reading.record is None else (reading.features,)
        return custom_torso(form.network, form.network_kwargs, features=reading.features, shape=shape)
    if form.sparse:
        check_sparse(reading.space)
        return dense_torso(form, feature_size(reading.space), first=SPARSE)
    if not reading.images:
        return dense_torso(form, reading.features)
    readers: list[tuple[str, Torso]] = [
        (image_name(leaf.path), image_torso(form, leaf)) for leaf in reading.images
    ]
    if reading.features:
        readers.insert(
            0, ("numbers", DenseTorso(features=reading.features, hidden=(), activation=form.activation))
        )
    return JoinedTorso(readers, dense_torso(form, sum(torso.size for _, torso in readers)))


def dense_torso(form: Form, features: int, *, first: Product = DENSE) -> DenseTorso | NormedTorso:
    """The hidden layers, normalised where the form says so. ``first`` multiplies what they read."""
    kind = NormedTorso if form.layer_norm else DenseTorso
    return kind(
        features=features,
        hidden=form.hidden,
        activation=form.activation,
        bias=form.bias,
        initialization=form.initialization,
        first=first,
    )


def image_torso(form: Form, leaf: RecordLeaf) -> ImageTorso:
    """The convolutions of one image. Raises SpaceError where it is too small for them."""
    assert isinstance(leaf.space, Box)
    return ImageTorso(
        shape=leaf.space.shape,
        dtype=leaf.space.dtype,
        layers=form.convolutions,
        activation=form.activation,
        bias=form.bias,
        initialization=form.initialization,
    )


def image_name(path: Path) -> str:
    """``image``, or with the names that lead to a leaf ``image/camera``; no two leaves share one."""
    return "/".join(("image", *(str(step).replace("/", "%2F") for step in path)))


def core_of(form: Form, features: int) -> Core | None:
    """The memory after the torso, if the form has one."""
    if form.recurrent == "none":
        return None
    kind = GRU if form.recurrent == "gru" else LSTM
    return kind(
        features=features,
        size=form.recurrent_size,
        bias=form.bias,
        initialization=form.initialization,
    )
