"""Learning curves as TensorBoard events."""

from pathlib import Path

from alexnet.errors import UserError
from alexnet.history import Epoch, Times
from alexnet.text import install_command
from alexnet.training.observers import Observer


class TensorBoard(Observer):
    """Writes each epoch's metrics into the run's folder, for `tensorboard --logdir RUN`.

    Raises:
        UserError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboard.summary import Writer
        except ImportError as error:
            raise UserError(
                f"--tensorboard needs TensorBoard; {install_command('tensorboard')}"
            ) from error
        self._writer = Writer(str(folder / "tensorboard"))

    def epoch(self, epoch: Epoch, times: Times, *, is_best: bool) -> None:
        for name, value in {
            "loss/train": epoch.train_loss,
            "loss/val": epoch.val_loss,
            "top1/train": epoch.train_top1,
            "top1/val": epoch.val_top1,
            "top5/val": epoch.val_top5,
            "lr": epoch.lr,
            "images_per_second": times.images_per_second,
        }.items():
            self._writer.add_scalar(name, value, epoch.epoch)

    def finished(self) -> None:
        self._writer.close()
