"""FreeSurfer's MGH files (.mgh, .mgz): what their header says of the voxels.

https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat. The header is used only after it was checked against
the bytes of the file; what follows the voxels is not read.
"""

from collections.abc import Iterator

from nibabel.freesurfer.mghformat import DATA_OFFSET, MGHHeader

from scans.scan import Scan, ScanError
from scans.volumes import Layout, check_promise, checked_affine, checked_dtype, opened, room_of, slices

_FLAG = slice(28, 30)  # where the header says whether it gives an orientation


def read_mgh(data: bytes, plane: str, stack: str = "") -> Iterator[Scan]:
    """Yield the slices of one of the file's volumes along `plane`, as `scans.volumes.slices` does.

    Raises ScanError with a sentence for the user.
    """
    with opened(data) as stream:
        start = stream.read(DATA_OFFSET)
        if len(start) < DATA_OFFSET:
            raise EOFError
        header = MGHHeader(start, check=False)  # zeros for what follows the voxels
        *shape, volumes = (int(side) for side in header["dims"])
        if min(*shape, volumes) < 1:
            raise ScanError(f"This MGH file claims the shape {(*shape, volumes)}; a volume has sides of at least 1.")
        try:
            dtype = checked_dtype("MGH", header.get_data_dtype())
        except KeyError:
            raise ScanError(
                "This MGH file stores its voxels in a rare way; save it with 8 or 16 bits or as float (mri_convert)."
            ) from None
        check_promise("MGH", tuple(shape), volumes, dtype.itemsize, room_of(data) - DATA_OFFSET)
        layout = Layout(
            "MGH",
            tuple(shape),
            dtype,
            checked_affine("MGH", header.get_affine()),
            oriented=any(start[_FLAG]),  # nibabel puts FreeSurfer's default in place of none
            volumes=volumes,
        )
        yield from slices(stream, layout, plane, stack)
