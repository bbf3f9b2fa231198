"""_extras: a missing package is named, with the extra that holds it."""

import pytest

from mtl_keras._extras import need


def test_what_is_there():
    assert need("json", "serving", "`warmup`").dumps([]) == "[]"


def test_what_is_not_there():
    with pytest.raises(ImportError, match=r"`warmup` needs .*`no_such_package`.*`pip install mtl_keras\[serving\]`"):
        need("no_such_package.apis", "serving", "`warmup`")
