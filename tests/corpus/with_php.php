<?php
// Creates harmless files with Debian's PHP libraries: TCPDF, FPDF, dompdf.
error_reporting(E_ALL & ~E_DEPRECATED);
[, $out, $folder] = $argv;
$html = file_get_contents("$folder/invoice.html");
$link = 'https://example.com/invoices/2026-0042';

require 'tcpdf/tcpdf.php';
foreach (['invoice' => false, 'pdfa3-facturx' => 3] as $name => $pdfa) {
    $pdf = new TCPDF('P', 'mm', 'A4', true, 'UTF-8', false, $pdfa);
    $pdf->SetTitle('Rechnung 2026-0042');
    $pdf->setPrintHeader(false);
    $pdf->AddPage();
    $pdf->writeHTML("<h1>Rechnung 2026-0042</h1><p>Müller &amp; Søn GmbH, <a href=\"$link\">online ansehen</a></p>");
    if ($pdfa) {
        $pdf->Annotation(0, 0, 0, 0, 'factur-x.xml', ['Subtype' => 'FileAttachment', 'Name' => 'Paperclip', 'FS' => "$folder/factur-x.xml"]);
    }
    $pdf->Output("$out/tcpdf-$name.pdf", 'F');
}
$pdf = new TCPDF();
$pdf->SetProtection(['print'], '', 'owner', 3);
$pdf->AddPage();
$pdf->Write(0, 'Rechnung 2026-0042');
$pdf->Output("$out/tcpdf-encrypted.pdf", 'F');

require 'fpdf/fpdf.php';
$pdf = new FPDF();
$pdf->AddPage();
$pdf->SetFont('Helvetica', '', 14);
$pdf->Cell(80, 10, mb_convert_encoding('Rechnung 2026-0042, Müller', 'Windows-1252', 'UTF-8'), 1);
$pdf->Write(10, 'online ansehen', $link);
$pdf->SetDisplayMode('fullwidth');
$pdf->Output('F', "$out/fpdf-invoice.pdf");

require 'dompdf/autoload.php';
$dompdf = new Dompdf\Dompdf(['defaultFont' => 'Helvetica', 'tempDir' => sys_get_temp_dir(), 'fontCache' => sys_get_temp_dir()]);
$dompdf->loadHtml(str_replace('DejaVu Sans', 'Helvetica', $html));
$dompdf->render();
file_put_contents("$out/dompdf-invoice.pdf", $dompdf->output());
