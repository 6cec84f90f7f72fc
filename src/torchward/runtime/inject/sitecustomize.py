"""Runs at the start of every Python that `torchward run` starts, directly or not, and leaves no trace in it.

It takes its own folder off `sys.path`, lets a user's own `sitecustomize` run in its place, and waits for `import
torch`; right after that it calls `torchward.runtime.watch.start_from_environment()`. A Python that never imports torch
(pip, `python -c`) has one more entry at the head of `sys.meta_path`, and nothing else.

At this point `site` is still at work: import nothing here but what it has loaded itself.
"""

import os
import sys


def _inject():
    here = __file__.rpartition("/")[0] or __file__.rpartition("\\")[0]
    sys.path[:] = [entry for entry in sys.path if entry != here]
    sys.path_importer_cache.pop(here, None)

    class WaitForTorch:
        """A finder that finds nothing by itself: it asks the others, and hooks the loader that they name."""

        def find_spec(self, name, path=None, target=None):
            if name != "torch":
                return None
            tell_if_it_fails()
            for finder in list(sys.meta_path):
                find = getattr(finder, "find_spec", None)
                spec = find(name, path, target) if find is not None and finder is not self else None
                if spec is None:
                    continue
                loader = spec.loader
                if loader is not None and not isinstance(loader, type) and hasattr(loader, "__dict__"):
                    hook(loader)
                return spec
            return None

    def hook(loader):
        # On the one instance that will load torch, and only until it does: its class, the spec and the module stay as
        # they are. The stack of a failing `import torch` must read as in a bare run, too: Python leaves the frames of
        # its import machinery out of tracebacks and warnings, and knows them by this name of their file.
        def exec_module(module):
            del loader.exec_module
            loader.exec_module(module)
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not waiting]
            start()

        exec_module.__code__ = exec_module.__code__.replace(co_filename="<frozen importlib._bootstrap>")
        loader.exec_module = exec_module

    def start():
        try:
            if "torchward" not in sys.modules:
                load_torchward()
            from torchward.runtime import watch

            watch.start_from_environment()
        except Exception as error:
            if sys.stderr is not None:
                print(f"torchward: not watching, {type(error).__name__}: {error}", file=sys.stderr, flush=True)

    def tell_if_it_fails():
        # Where torch cannot be imported there is no recorder to tell of the crash.
        nonlocal asked
        if not asked:
            asked = True
            import atexit

            atexit.register(tell)

    def tell():
        if getattr(sys, "last_value", None) is None or "torchward.runtime.watch" in sys.modules:
            return
        try:
            if "torchward" not in sys.modules:
                load_torchward()
            from torchward.runtime import crash

            crash.write(os.environ["TORCHWARD_RUN_DIR"], crash.last_uncaught())
        except Exception:
            return  # the program's own traceback stands above

    def load_torchward():
        # The copy that belongs to this file, whether or not the child's environment can see it: recorder and
        # reader of the log are then of one version.
        from importlib.util import module_from_spec, spec_from_file_location

        package = here.replace("\\", "/").rsplit("/", 2)[0]
        spec = spec_from_file_location("torchward", package + "/__init__.py", submodule_search_locations=[package])
        module = module_from_spec(spec)
        sys.modules["torchward"] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules["torchward"]
            raise

    asked = False
    waiting = WaitForTorch()
    if os.environ.get("TORCHWARD_RUN_DIR"):
        sys.meta_path.insert(0, waiting)


_inject()

# The user's own `sitecustomize`, as the real one. When there is none this raises an ImportError of that name, which is
# what `site` takes for "there is none": no module of this name stays behind.
del sys.modules["sitecustomize"]
import sitecustomize  # type: ignore[import-not-found,unused-ignore]  # noqa: E402, F401
