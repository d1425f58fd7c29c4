"""How large the experiment is, from seconds to the paper's setting."""

from dataclasses import dataclass, replace

from octavo.science.mgno.tasks import Equation


@dataclass(frozen=True)
class Config:
    """Every field is a flag."""

    seeds: int = 3
    """Seeds of every learned comparison."""
    width: int = 16
    """Channels of MgNO's hidden fields."""
    depth: int = 3
    """Hidden layers of MgNO."""
    levels: int = 4
    """Grids of its V-cycles."""
    fno_width: int = 24
    """Channels of FNO, at the size its users would choose."""
    fno_modes: int = 12
    """Frequencies that it keeps a side."""
    fno_small_width: int = 18
    """Channels of FNO at MgNO's number of parameters."""
    fno_small_modes: int = 8
    """Frequencies that this one keeps a side."""
    unet_width: int = 8
    """Channels of the U-Net on the finest grid."""
    unet_levels: int = 4
    """Grids of the U-Net."""
    batch_size: int = 4
    """Pairs a step on equations that are solved here; fewer than the paper's 8 to 10, since in seconds of
    training all systems gain by more steps."""
    weight_decay: float = 1e-4
    """Of AdamW, for all systems."""
    rate: float = 3e-3
    """Learning rate of MgNO, the best for it of 1e-3, 3e-3 and 1e-2 on Darcy's equation with another seed."""
    fno_rate: float = 1e-2
    """Learning rate of FNO, chosen from the same three."""
    unet_rate: float = 1e-3
    """Learning rate of the U-Net, chosen from the same three."""

    neurons: tuple[int, ...] = (2, 4, 8, 16)
    """Widths of the one hidden layer."""
    line_points: int = 31
    """Points of the semilinear equation's interval."""
    line_pairs: int = 1000
    """Its training pairs; a fifth as many are tested on."""
    line_epochs: int = 36
    """Its epochs."""
    line_rate: float = 1e-2
    """Its learning rate."""
    line_starts: int = 3
    """Initialisations of each width, trained at once; the best on the training pairs counts."""

    solver_points: tuple[int, ...] = (31, 63, 127, 255)
    """Grids on which the cycle with textbook weights is measured."""
    solver_cycles: int = 25
    """Its cycles on each."""
    green_points: int = 32
    """Points a side on which the inverse of the Laplacian is learnt."""
    green_pairs: int = 300
    """Its training pairs."""
    green_epochs: int = 8
    """Its epochs."""
    green_rates: tuple[float, ...] = (3e-3, 1e-2, 3e-2)
    """Learning rates that each linear layer is tried with; the best on the training pairs counts."""

    boundary_points: int = 32
    """Points a side of the three boundary problems."""
    boundary_pairs: int = 200
    """Their training pairs."""
    boundary_epochs: int = 10
    """Their epochs."""
    boundary_width: int = 8
    """Channels of their networks, which have two layers."""

    wave_points: int = 33
    """Points a side of Helmholtz' equation."""
    wave_pairs: int = 180
    """Its training pairs."""
    wave_epochs: int = 16
    """Its epochs."""
    wave_omega: float = 300.0
    """Its frequency; a wave is 126 / omega long."""
    wave_rates: tuple[float, ...] = (1e-3, 3e-3, 1e-2)
    """Learning rates that each convolutional network is tried with."""
    wave_width: int = 8
    """Channels of MgNO there; the others have as many as give them its number of parameters."""

    lift_points: int = 32
    """Points a side of Darcy's equation for MgNO with lifting and projecting networks, and without."""
    lift_pairs: int = 500
    """Their training pairs; a fifth as many are tested on."""
    lift_epochs: float = 4.0
    """Their epochs."""
    lift_rate: float = 3e-3
    """Learning rate with both networks, the best of the same three for it."""

    public_epochs: float = 6.0
    """Epochs of MgNO on the two public sets."""
    public_fno_epochs: float = 8.0
    """Epochs of FNO there."""
    public_pairs: int = 1000
    """Training pairs taken from each, at most."""

    viscosity: float = 1e-3
    """Of the fluid of the Navier-Stokes equation."""
    equations: tuple[Equation, ...] = ("darcy",)
    """Media of Darcy's equation on which MgNO is set beside FNO and the U-Net."""
    other_equations: tuple[Equation, ...] = ("helmholtz", "navier_stokes")
    """Equations on which it is set beside FNO alone."""
    points: int = 64
    """Points a side of Darcy's equation."""
    pairs: int = 1000
    """Its training pairs."""
    test_pairs: int = 200
    """Pairs that all are tested on; half as many of the other equations."""
    epochs: float = 1.08
    """Epochs of MgNO on it."""
    fno_epochs: float = 0.666
    """Epochs of FNO that take MgNO's time, as those below, by the seconds of a step alone on the machine."""
    fno_small_epochs: float = 0.9468
    """Epochs of the small FNO."""
    unet_epochs: float = 1.314
    """Epochs of the U-Net."""
    flow_points: int = 32
    """Points a side of the Navier-Stokes equation."""
    other_pairs: int = 150
    """Training pairs of Helmholtz' and of the Navier-Stokes equation."""
    other_epochs: float = 2.5
    """Epochs of MgNO on these."""
    wave_fno_epochs: float = 3.05
    """Epochs of FNO on Helmholtz' equation that take MgNO's time."""
    flow_fno_epochs: float = 4.96
    """Epochs of FNO on the Navier-Stokes equation that take MgNO's time."""
    speed_points: int = 64
    """Points a side on which a V-cycle is timed."""


SMOKE = Config(
    seeds=1,
    width=4,
    depth=1,
    levels=3,
    fno_width=6,
    fno_modes=4,
    fno_small_width=4,
    fno_small_modes=4,
    unet_width=4,
    unet_levels=2,
    neurons=(2, 4, 8, 16),
    line_points=31,
    line_pairs=20,
    line_epochs=1,
    green_points=16,
    green_pairs=20,
    green_epochs=1,
    green_rates=(1e-2,),
    boundary_points=16,
    boundary_pairs=10,
    boundary_epochs=1,
    boundary_width=2,
    wave_points=17,
    wave_pairs=10,
    wave_epochs=1,
    wave_omega=150.0,
    wave_rates=(1e-2,),
    wave_width=4,
    public_epochs=1,
    public_fno_epochs=1,
    public_pairs=16,
    lift_points=12,
    lift_pairs=10,
    lift_epochs=1,
    points=16,
    pairs=16,
    test_pairs=4,
    epochs=1,
    fno_epochs=1,
    fno_small_epochs=1,
    unet_epochs=1,
    speed_points=16,
    solver_cycles=6,
    line_starts=2,
    flow_points=16,
    other_equations=("navier_stokes",),
    other_pairs=10,
    other_epochs=1,
    wave_fno_epochs=1,
    flow_fno_epochs=1,
)
GPU = Config(
    batch_size=8,
    width=24,
    depth=4,
    levels=6,
    fno_width=32,
    fno_modes=16,
    fno_small_width=24,
    fno_small_modes=12,
    unet_width=32,
    unet_levels=5,
    neurons=(2, 4, 8, 16, 32, 64, 128),
    line_points=255,
    line_pairs=2000,
    line_epochs=100,
    solver_points=(31, 63, 127, 255, 511),
    green_points=64,
    green_pairs=2000,
    green_epochs=50,
    boundary_points=64,
    boundary_pairs=1000,
    boundary_epochs=50,
    boundary_width=24,
    wave_points=101,
    wave_pairs=1000,
    wave_epochs=50,
    wave_omega=1000.0,
    wave_width=20,
    public_epochs=50,
    public_fno_epochs=50,
    viscosity=1e-5,
    equations=("darcy", "darcy_rough"),
    lift_points=256,
    lift_pairs=1280,
    lift_epochs=60,
    points=256,
    pairs=1280,
    test_pairs=112,
    epochs=60,
    fno_epochs=100,
    fno_small_epochs=100,
    unet_epochs=100,
    speed_points=256,
    flow_points=64,
    other_pairs=640,
    other_epochs=60,
    wave_fno_epochs=100,
    flow_fno_epochs=100,
    line_starts=8,
)
PAPER = replace(
    GPU,
    fno_modes=20,
    unet_width=64,
    neurons=(2, 4, 8, 16, 32, 64, 128, 256),
    line_pairs=4000,
    line_epochs=500,
    green_points=128,
    green_pairs=4000,
    green_epochs=100,
    boundary_points=128,
    boundary_pairs=2000,
    boundary_epochs=100,
    wave_pairs=10_000,
    wave_epochs=100,
    public_epochs=500,
    public_fno_epochs=500,
    equations=("darcy_rough", "darcy"),
    lift_epochs=500,
    epochs=500,
    fno_epochs=500,
    fno_small_epochs=500,
    unet_epochs=500,
    other_pairs=1000,
    other_epochs=500,
    wave_fno_epochs=500,
    flow_fno_epochs=500,
)
SCALES = {"smoke": SMOKE, "laptop": Config(), "gpu": GPU, "paper": PAPER}
