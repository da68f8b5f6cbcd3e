# expect: ok
# forbidden: an import hook gets into an import of the judge's
import sys, builtins
class Hook:
    def find_spec(self, name, path, target=None):
        PW("import of " + name)
sys.meta_path.insert(0, Hook())
def f(x): return sorted(x)
