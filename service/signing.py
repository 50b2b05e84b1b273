"""The keys that sign what this service must know again: texts in Redis, ids of impressions."""

from pathlib import Path

from service.settings import Settings

_LEAST_KEY = 32


class SigningKeyError(RuntimeError):
    """The file of signing keys cannot be used; the message says why and how to go on."""


def signing_keys(settings: Settings) -> list[bytes]:
    """Return the keys of the settings: the first signs, each is accepted. Raises SigningKeyError.

    There are none where no file is named.
    """
    file = settings.signing_key_file
    return [] if file is None else _read(file)


def _read(file: Path) -> list[bytes]:
    hint = f"\nMake one: umask 077; openssl rand -hex 32 > {file}"
    try:
        keys = file.read_text("ascii").split()
    except FileNotFoundError:
        raise SigningKeyError(f"there is no file of signing keys {file}{hint}") from None
    except OSError as error:
        raise SigningKeyError(f"the signing keys {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SigningKeyError(f"the signing keys {file} are no plain text{hint}") from None
    if not keys:
        raise SigningKeyError(f"the file of signing keys {file} is empty{hint}")
    if any(len(key) < _LEAST_KEY for key in keys):
        raise SigningKeyError(
            f"a key in {file} has less than {_LEAST_KEY} characters, one key a line{hint}"
        )
    return [key.encode() for key in keys]
