from tests.fwi.conftest import small as small
