"""The command `distill`."""

from pathlib import Path

from app.catalogue.store import Catalogue
from app.composition import load_embedder
from app.console import progress_bar, refuse
from app.model.atomic_file import write_whole
from app.model.distillation import Remembering, Sample, TooFewDocuments, distill
from app.model.encoders import load_teacher, student_path
from app.recommend.artefact import ArtefactRefused
from app.recommend.student import StudentEmbedder
from app.settings import Settings
from app.telemetry.command import observed_command


def fit_student(catalogue: Catalogue, settings: Settings) -> Path:
    """Fit the student, write it, and make the documents' vectors ready for it.

    Returns its path. Raises typer.Exit after a message.
    """
    path = student_path(settings.data)
    try:
        teacher = load_teacher(settings.teacher)
        sample = Sample.of(catalogue)
    except (ArtefactRefused, TooFewDocuments) as error:
        raise refuse(f"{error}.") from error
    done = 0
    with (
        observed_command(settings.telemetry) as stages,
        progress_bar("embedding by the teacher", len(sample.texts)) as bar,
    ):

        def on_progress(count: int) -> None:
            nonlocal done
            done += count
            bar(min(done, len(sample.texts)), f"{done:,} texts")

        remembering = Remembering(teacher, on_progress)
        try:
            model = distill(sample, remembering, stages)
        except (ArtefactRefused, TooFewDocuments) as error:
            raise refuse(f"{error}.") from error
        write_whole(path, model.dump())
        catalogue.make_ready(StudentEmbedder(model, load_embedder(), lambda: remembering))
    return path
