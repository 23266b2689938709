"""`auricle mcp`: an assistant on this computer asks the specialist itself."""

from auricle.cli.options import Alpha, Rate, Recordings, SpecialistPlace, Unit
from auricle.cli.terminal import note


def mcp(
    specialist: SpecialistPlace,
    paths: Recordings,
    /,
    *,
    alpha: Alpha = 0.1,
    fs: Rate = None,
    unit: Unit = None,
) -> int:
    """Serve a specialist to an assistant over MCP (standard input and output): about, read, predict, explain, briefing.

    The assistant sees the recordings named here, by numbers, and no other file; names of files stay with you. Needs the
    extra mcp: pip install 'auricle[mcp]'.
    """
    from auricle.cli.judge import judge_of
    from auricle.consult.desk import Desk
    from auricle.consult.mcp_server import serve
    from auricle.signals import find_recordings

    sources = find_recordings(paths, fs=fs, unit=unit)
    desk = Desk(specialist=judge_of(specialist), sources=sources, alpha=alpha, tell=note)
    for number, source in enumerate(sources, 1):
        note(f"r{number}: {source.id}")
    serve(desk)
    return 0
