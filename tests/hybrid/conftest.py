from tests.fwi.conftest import shots as shots
from tests.fwi.conftest import small as small
from tests.fwi.conftest import truth as truth
