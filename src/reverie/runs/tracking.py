"""TensorBoard, when asked for."""

from pathlib import Path

from reverie.errors import InputError


class Board:
    """Writes what a run says to TensorBoard event files in RUN/tensorboard."""

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise InputError("TensorBoard needs the extra: pip install 'reverie[tensorboard]'") from None
        self._writer = SummaryWriter(str(folder / "tensorboard"))

    def write(self, step: int, numbers: dict[str, float]) -> None:
        """One scalar a name."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush to the disk."""
        self._writer.close()
