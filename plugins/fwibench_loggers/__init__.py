"""The plugin of the shipped loggers, which send losses and scores of running cells to TensorBoard and MLflow."""

from __future__ import annotations

from collections.abc import Iterable

from fwibench import LoggerSpec, hookimpl


@hookimpl
def fwibench_loggers() -> Iterable[LoggerSpec]:
    """Return the specs of both loggers."""
    yield LoggerSpec(
        name="tensorboard",
        summary="event files in a folder, one run per cell; needs pip install 'fwibench[tensorboard]'",
        target="fwibench_loggers.to_tensorboard:TensorBoardLogger",
        needs=("tensorboard",),
        takes="folder",
        api="1.4",
    )
    yield LoggerSpec(
        name="mlflow",
        summary="a tracking server or database, one run per cell; needs pip install 'fwibench[mlflow]'",
        target="fwibench_loggers.to_mlflow:MLflowLogger",
        needs=("mlflow", "sqlalchemy", "alembic"),
        api="1.4",
    )
