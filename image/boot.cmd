# U-Boot's script, the same on every board: finds the slot to boot and starts it. It lies on the firmware partition as boot.scr and is
# never changed on a device; U-Boot has set devtype and devnum to where it found it.
#
# Room for updates: the partition `bootstate` may hold an environment of 16 KiB with its CRC, first copy at 0, second at 64 KiB, with the
# names that RAUC uses. Without a whole one the order is "A B". Tries are honoured, and not counted down: nothing confirms a start yet.

setenv BOOT_ORDER "A B"
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
# Far from the kernel, which takes 37 MiB from its load address: on a Raspberry Pi U-Boot's own addresses overlap with it.
if test "${board}" = rpi; then
    setenv fdt_at 0x07f00000
    setenv initrd_at 0x08000000
    setenv console "console=ttyS1,115200"
else
    setenv fdt_at 0x47f00000
    setenv initrd_at 0x48000000
    setenv console "console=ttyAMA0"
fi

if part start ${devtype} ${devnum} bootstate state; then
    ${devtype} dev ${devnum}
    setexpr second ${state} + 0x80
    for copy in ${second} ${state}; do
        if ${devtype} read ${initrd_at} ${copy} 0x20 && itest.l *${initrd_at} -ne 0; then
            env import -c ${initrd_at} 0x4000 BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT
        fi
    done
fi

for slot in ${BOOT_ORDER}; do
    if test "${slot}" = A; then
        setenv name a
        setenv left ${BOOT_A_LEFT}
    else
        setenv name b
        setenv left ${BOOT_B_LEFT}
    fi
    if test ${left} -gt 0 && part number ${devtype} ${devnum} boot_${name} number; then
        echo "slot ${slot}"
        # The slot's own device tree, which U-Boot completes with what the firmware knows; else the one that the firmware handed over.
        setenv fdt ${fdtcontroladdr}
        if test -n "${fdtfile}" && load ${devtype} ${devnum}:${number} ${fdt_at} ${fdtfile}; then
            setenv fdt ${fdt_at}
        fi
        setenv bootargs "root=PARTLABEL=system_${name} rootfstype=squashfs ro ${console} loglevel=4 panic=10 oops=panic fsck.repair=yes systemd.gpt_auto=no rauc.slot=${slot}"
        if load ${devtype} ${devnum}:${number} ${kernel_addr_r} Image; then
            if load ${devtype} ${devnum}:${number} ${initrd_at} initrd.img; then
                booti ${kernel_addr_r} ${initrd_at}:${filesize} ${fdt}
            fi
        fi
    fi
done

echo "no slot starts; trying again in 10 s"
sleep 10
reset
