package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	imagedraw "image/draw"
	"image/png"
	"os"
	"slices"
)

// between is the colour of the line between two screens; no screen has it.
var between = color.RGBA{0xff, 0, 0xff, 0xff}

const pictureAtMost = 30_000 // bytes

// cut takes a sheet apart at the lines between its screens. What stands after the last line is not used.
func cut(file string) ([]image.Image, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	decoded, err := png.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	b := decoded.Bounds()
	sheet := image.NewRGBA(b)
	imagedraw.Draw(sheet, b, decoded, b.Min, imagedraw.Src)
	var out []image.Image
	top := b.Min.Y
	for y := b.Min.Y; y < b.Max.Y; y++ {
		if sheet.RGBAAt(b.Min.X+b.Dx()/2, y) != between {
			continue
		}
		if y > top {
			out = append(out, sheet.SubImage(image.Rect(b.Min.X, top, b.Max.X, y)))
		}
		top = y + 1
	}
	return out, nil
}

// save writes a picture with few colours: a drawing needs no more, and mails should be small.
func save(file string, picture image.Image) error {
	var buf bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&buf, fewColours(picture, 16)); err != nil {
		return err
	}
	if buf.Len() > pictureAtMost {
		return fmt.Errorf("%s has %d bytes: at most %d", file, buf.Len(), pictureAtMost)
	}
	return os.WriteFile(file, buf.Bytes(), 0o644)
}

// fewColours keeps the n colours that are used most, and gives every other pixel the nearest of them.
func fewColours(picture image.Image, n int) *image.Paletted {
	b := picture.Bounds()
	used := map[color.RGBA]int{}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			used[picture.At(x, y).(color.RGBA)]++
		}
	}
	var list []color.RGBA
	for c := range used {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b color.RGBA) int {
		if d := used[b] - used[a]; d != 0 {
			return d
		}
		return int(b.R)<<16 + int(b.G)<<8 + int(b.B) - int(a.R)<<16 - int(a.G)<<8 - int(a.B)
	})
	var palette color.Palette
	for _, c := range list[:min(n, len(list))] {
		palette = append(palette, c)
	}
	out := image.NewPaletted(image.Rect(0, 0, b.Dx(), b.Dy()), palette)
	nearest := map[color.RGBA]uint8{}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := picture.At(x, y).(color.RGBA)
			i, ok := nearest[c]
			if !ok {
				i = uint8(palette.Index(c))
				nearest[c] = i
			}
			out.SetColorIndex(x-b.Min.X, y-b.Min.Y, i)
		}
	}
	return out
}
