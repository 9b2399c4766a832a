"""Many models at once: trained side by side, each by itself."""

from .fit_many import fit_many
from .member import Member

__all__ = ["Member", "fit_many"]
