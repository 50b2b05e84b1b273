"""From a form's name to the form: the one place where forms are chosen."""

from models.prism.forms.protocol import Form, FormName
from models.prism.forms.references import References
from models.prism.forms.titles import Titles
from models.prism.forms.verbatim import Verbatim

_FORMS: dict[FormName, Form] = {
    "references": References(),
    "titles": Titles(),
    "verbatim": Verbatim(),
}


def form_named(name: FormName) -> Form:
    """Return the form of this name."""
    return _FORMS[name]
